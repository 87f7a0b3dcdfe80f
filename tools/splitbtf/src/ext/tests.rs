// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use alloc::format;
use alloc::string::ToString;

use super::*;

/// The words after the first of the section `.BTF.ext` that `clang-19 -target bpfel -g -O2 -c` (and
/// `bpfeb`) makes of
///
/// ```c
/// enum e { ONE = 1 };
/// struct s { int a; struct { int b[10]; }; } __attribute__((preserve_access_index));
/// __attribute__((section("tc"), noinline)) int f(struct s *s) { return s->b[5]; }
/// __attribute__((section("xdp"))) int g(struct s *s)
/// {
///     return f(s) + __builtin_preserve_type_info(*(struct s *)0, 1) + __builtin_preserve_enum_value(*(enum e *)ONE, 1);
/// }
/// ```
const CLANG: [u32; 58] = [
    32, 0, 36, 36, 100, 136, 68, 8, 33, 1, 0, 8, 145, 1, 0, 10, 16, 33, 1, 0, 44, 63, 0xc3f, 145,
    4, 0, 44, 149, 0x1809, 16, 44, 149, 0x180e, 40, 44, 149, 0x1809, 48, 44, 149, 0x1802, 16, 33,
    1, 0, 2, 36, 0, 145, 2, 8, 2, 264, 9, 24, 11, 264, 11,
];

fn bytes(endian: Endian, words: &[u32]) -> Vec<u8> {
    let (magic, word): (_, fn(u32) -> [u8; 4]) = match endian {
        Endian::Little => (wire::MAGIC.to_le_bytes(), u32::to_le_bytes),
        Endian::Big => (wire::MAGIC.to_be_bytes(), u32::to_be_bytes),
    };
    let words = words.iter().flat_map(|n| word(*n));

    magic.into_iter().chain([1, 0]).chain(words).collect()
}

/// The section with another word, by its number in [`CLANG`].
fn with(n: usize, word: u32) -> Result<ExtInfo, ExtError> {
    let mut words = CLANG;
    words[n] = word;
    ExtInfo::read(&bytes(Endian::Little, &words))
}

fn reason(n: usize, word: u32) -> (&'static str, usize, ListReason) {
    match with(n, word) {
        Err(ExtError::List {
            list,
            offset,
            reason,
        }) => (list, offset, reason),
        other => panic!("{other:?}"),
    }
}

/// The places of words in [`CLANG`].
const HDR_LEN: usize = 0;
const FUNC_INFO_OFF: usize = 1;
const LINE_INFO_LEN: usize = 4;
const CORE_RELO_OFF: usize = 5;
const CORE_RELO_LEN: usize = 6;
const FUNC_INFO: usize = 7;

#[test]
fn clangs_are_read_in_both_orders() {
    for endian in [Endian::Little, Endian::Big] {
        let ext = ExtInfo::read(&bytes(endian, &CLANG)).unwrap();
        assert_eq!(ext.endian, endian);
        let func = |name_off, ty| SectionInfo {
            name_off,
            records: vec![FuncInfo { insn_off: 0, ty }],
        };
        assert_eq!(ext.func_info, [func(0x21, 8), func(0x91, 10)]);
        let lines: Vec<_> = ext.line_info.iter().map(|of| of.records.len()).collect();
        assert_eq!(lines, [1, 4]);
        assert_eq!(
            ext.line_info[0].records[0],
            LineInfo {
                insn_off: 0,
                file_name_off: 0x2c,
                line_off: 0x3f,
                line: 3,
                column: 63
            }
        );
        let relo = |insn_off, ty, access_str_off, kind| CoreRelo {
            insn_off,
            ty,
            access_str_off,
            kind,
        };
        assert_eq!(ext.core_relo[0].name_off, 0x21);
        assert_eq!(ext.core_relo[0].records, [relo(0, 2, 0x24, 0)]);
        assert_eq!(
            ext.core_relo[1].records,
            [relo(8, 2, 0x108, 9), relo(24, 11, 0x108, 11)]
        );
        let kinds = ext.core_relo.iter().flat_map(|of| &of.records);
        assert!(kinds.map(|relo| CoreReloKind::of(relo.kind)).eq([
            Some(CoreReloKind::FieldByteOffset),
            Some(CoreReloKind::TypeSize),
            Some(CoreReloKind::EnumvalValue)
        ]));
    }
    assert_eq!(CoreReloKind::of(12), Some(CoreReloKind::TypeMatches));
    assert_eq!(CoreReloKind::of(13), None);
}

/// The names and the order are those of `core_relo_kind_str()` and `enum bpf_core_relo_kind`.
#[test]
fn kinds_have_libbpfs_names() {
    let fields = "byte_off byte_sz field_exists signed lshift_u64 rshift_u64";
    let types = "local_type_id target_type_id type_exists type_size";
    let names = |is: fn(CoreReloKind) -> bool| {
        let kinds = (0..).map_while(CoreReloKind::of).filter(|kind| is(*kind));
        let names: Vec<_> = kinds.map(CoreReloKind::name).collect();
        names.join(" ")
    };

    assert_eq!(names(CoreReloKind::is_field), fields);
    assert_eq!(
        names(CoreReloKind::is_type),
        format!("{types} type_matches")
    );
    assert_eq!(
        names(CoreReloKind::is_enumval),
        "enumval_exists enumval_value"
    );
}

#[test]
fn headers_have_many_lengths() {
    // The header grows or shrinks; the rest stays the same.
    let with_header = |len: u32| {
        let mut words = CLANG.to_vec();
        let (header, body) = words.split_at_mut(FUNC_INFO);
        let mut header = header.to_vec();
        header[HDR_LEN] = len;
        header.resize(len as usize / 4 - 1, 0xffff);
        ExtInfo::read(&bytes(Endian::Little, &[&header, &*body].concat()))
    };
    let all = with(HDR_LEN, 32).unwrap();

    assert_eq!(with_header(40), Ok(all.clone()));
    for len in [24, 28] {
        let old = with_header(len).unwrap();
        assert_eq!(old.core_relo, []);
        assert_eq!(
            (old.func_info, old.line_info),
            (all.func_info.clone(), all.line_info.clone())
        );
    }
    let len = 4 * (CLANG.len() + 1);
    for found in [0, 23, len as u32 + 1, u32::MAX] {
        let error = with(HDR_LEN, found).unwrap_err();
        assert_eq!(error, ExtError::HeaderLen { found, len });
    }
    // A header alone.
    let alone = bytes(Endian::Big, &[24, 0, 0, 0, 0]);
    assert_eq!(ExtInfo::read(&alone).unwrap().func_info, []);
    let error = |change: fn(&mut Vec<u8>)| {
        let mut alone = alone.clone();
        change(&mut alone);
        ExtInfo::read(&alone).unwrap_err()
    };
    assert_eq!(error(|b| b.truncate(7)), ExtError::TooShort { len: 7 });
    assert_eq!(error(|b| b[0] = 0), ExtError::Magic { found: 0x9f00 });
    assert_eq!(error(|b| b[2] = 2), ExtError::Version { found: 2 });
    assert_eq!(error(|b| b[3] = 4), ExtError::Flags { found: 4 });
}

#[test]
fn lists_are_checked() {
    use ListReason::Empty;
    use ListReason::Misaligned;
    use ListReason::Outside;
    use ListReason::RecordSize;
    use ListReason::Truncated;
    let relo_at = 32 + 0x88;

    assert_eq!(reason(FUNC_INFO_OFF, 2), ("func_info", 34, Misaligned));
    assert_eq!(reason(LINE_INFO_LEN, 999), ("line_info", 32 + 36, Outside));
    assert_eq!(
        reason(CORE_RELO_OFF, u32::MAX - 3),
        ("core_relo", 32 + u32::MAX as usize - 3, Outside)
    );
    assert_eq!(reason(CORE_RELO_LEN, 0x45), ("core_relo", relo_at, Outside));
    assert_eq!(reason(CORE_RELO_LEN, 3), ("core_relo", relo_at, Truncated));
    assert_eq!(reason(CORE_RELO_LEN, 4), ("core_relo", relo_at + 4, Empty));
    assert_eq!(
        reason(CORE_RELO_LEN, 0x43),
        ("core_relo", relo_at + 4 + 24, Truncated)
    );
    assert_eq!(with(CORE_RELO_LEN, 0).unwrap().core_relo, []);
    for found in [0, 4, 9] {
        let want = ("func_info", 32, RecordSize { found });
        assert_eq!(reason(FUNC_INFO, found), want);
    }
    assert_eq!(reason(FUNC_INFO + 2, 0), ("func_info", 36, Empty));
    assert_eq!(reason(FUNC_INFO + 2, 5), ("func_info", 36, Truncated));
    assert_eq!(
        reason(FUNC_INFO + 2, u32::MAX),
        ("func_info", 36, Truncated)
    );
}

#[test]
fn records_may_grow() {
    let words = [24, 0, 24, 0, 0, 12, 7, 1, 16, 3, 99];
    let ext = ExtInfo::read(&bytes(Endian::Big, &words)).unwrap();

    assert_eq!(
        ext.func_info,
        [SectionInfo {
            name_off: 7,
            records: vec![FuncInfo {
                insn_off: 16,
                ty: 3
            }]
        }]
    );
}

#[test]
fn damaged_sections_do_no_harm() {
    let good = bytes(Endian::Little, &CLANG);

    for at in 0..good.len() {
        for byte in 0..=u8::MAX {
            let mut bytes = good.clone();
            bytes[at] = byte;
            let _ = ExtInfo::read(&bytes);
        }
        let _ = ExtInfo::read(&good[..at]);
    }
}

#[test]
fn errors_read_well() {
    let text = |error: ExtError| error.to_string();
    let list = |reason| ExtError::List {
        list: "func_info",
        offset: 36,
        reason,
    };

    assert_eq!(
        text(ExtError::TooShort { len: 7 }),
        "the .BTF.ext header has at least 24 bytes, but there are 7"
    );
    assert_eq!(
        text(ExtError::Magic { found: 1 }),
        "not .BTF.ext: it starts with 0x0001, not 0xeb9f"
    );
    assert_eq!(
        text(ExtError::HeaderLen { found: 99, len: 30 }),
        "the .BTF.ext header claims to be 99 bytes long, in 30 bytes of data"
    );
    assert_eq!(
        text(list(ListReason::RecordSize { found: 9 })),
        "the .BTF.ext func_info at offset 36 has records of 9 bytes"
    );
    assert_eq!(
        text(list(ListReason::Empty)),
        "the .BTF.ext func_info at offset 36 has no records"
    );
}
