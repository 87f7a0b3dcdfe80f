// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Kernel images: documented headers around real BTF.

use super::*;

/// The offset of the entry points of an s390 image, in bytes.
const ENTRY_POINTS: usize = 0x10008;

/// The magic numbers of arm64, riscv and LoongArch.
const MAGICS: [&[u8; 4]; 3] = [b"ARMd", b"RSC\x05", &[0xcd, 0x23, 0x82, 0x81]];

/// Changes the byte order of the words of small BTF, but not of its strings.
fn swapped(mut btf: Vec<u8>, strings: usize) -> Vec<u8> {
    let words = btf.len() - strings;

    btf[..2].reverse();
    btf[4..words].chunks_mut(4).for_each(<[u8]>::reverse);
    btf
}

/// The content of a kernel's memory: code, a BPF object's BTF, the kernel's, and other data. The
/// last two bytes before the kernel's BTF make it unaligned.
fn memory(magic: &[u8; 4], btf: &[u8]) -> Vec<u8> {
    let object = blob(&[0, 2 << 24, 0], b"\0");
    let mut memory = b"MZ".to_vec();

    memory.resize(0x38, 0);
    memory.extend(magic);
    memory.resize(0x100, 0x55);
    [&memory, object.as_slice(), b"..", btf, b"data"].concat()
}

/// An EFI zboot image. The decompressed size follows the payload, except with gzip.
fn zboot(payload: &[u8], size: &[u8]) -> Vec<u8> {
    let mut image = b"MZ\0\0zimg".to_vec();

    image.extend(0x100u32.to_le_bytes());
    image.extend((payload.len() as u32).to_le_bytes());
    image.resize(0x38, 0);
    image.extend(MAGICS[2]);
    image.resize(0x100, 0);
    [&image, payload, size, b"code"].concat()
}

/// An s390 image, with a word in its code that looks like gzip, and its trailer.
fn s390(payload: &[u8]) -> Vec<u8> {
    let mut image = vec![0; ENTRY_POINTS];

    image.extend(b"S390EP\0\x01code\x1f\x8b\x08\xffcode");
    image.extend(payload);
    image.resize(image.len().next_multiple_of(64), 0);
    image.extend(b"\0\0\0\0 zIPL");
    image
}

/// A unified kernel image: a PE file for 64 bits with two sections.
fn uki(kernel: &[u8]) -> Vec<u8> {
    let mut pe = b"MZ".to_vec();
    let len = kernel.len() as u32;
    // The last section is padded in the file.
    let padded = len.next_multiple_of(0x200);

    pe.resize(0x3c, 0);
    pe.extend(0x40u32.to_le_bytes());
    pe.extend(b"PE\0\0\x64\x86\x02\0");
    pe.resize(0x54, 0);
    pe.extend([0xf0, 0, 0x22, 0, 0x0b, 0x02]);
    pe.resize(0x58 + 0xf0, 0);
    for (name, len, padded, offset) in [
        (b".osrel\0\0", 0x10, 0x200, 0x200),
        (b".linux\0\0", len, padded, 0x400),
    ] {
        pe.extend(name);
        for word in [len, offset * 0x10, padded, offset, 0, 0, 0, 0] {
            pe.extend(word.to_le_bytes());
        }
    }
    pe.resize(0x400, 0);
    pe.extend(kernel);
    pe.resize(0x400 + padded as usize, 0);
    pe
}

fn btf_of(bytes: &[u8]) -> Vec<u8> {
    open(bytes).unwrap().need(".BTF").unwrap().to_vec()
}

#[test]
fn btf_is_found_in_memory() {
    for magic in MAGICS {
        let image = memory(magic, &btf());

        assert_eq!(btf_of(&image), btf());
        for pack in [gzip, xz, zstd, lz4_legacy] {
            assert_eq!(btf_of(&pack(&image)), btf());
        }
        let section = open(&image).unwrap().into_section(".BTF").unwrap();
        assert_eq!(*section, btf());
    }
}

#[test]
fn memory_of_the_other_byte_order() {
    let other = swapped(btf(), 5);
    let input = open(&memory(MAGICS[0], &other)).unwrap();

    assert_ne!(input.endian(), Endian::NATIVE);
    assert_eq!(input.need(".BTF").unwrap(), other);
}

/// Each of these is larger than the kernel's BTF, if it is taken for BTF.
#[test]
fn memory_that_looks_like_btf() {
    let found = |other: &[u8]| {
        let memory = memory(MAGICS[0], &[other, &btf()].concat());
        assert_eq!(btf_of(&memory), btf(), "{other:?}");
    };
    let large = blob(&[0, 1 << 24, 4, 32, 0, 1 << 24, 4, 32], b"\0int\0");
    let damaged = |at: usize, byte: u8| {
        let mut large = large.clone();
        large[at] = byte;
        large
    };

    assert_eq!(
        btf_of(&memory(MAGICS[0], &[large.clone(), btf()].concat())),
        large
    );
    // A header of another version, with a flag, or too short.
    found(&damaged(2, 2));
    found(&damaged(3, 1));
    found(&damaged(4, 20));
    // A gap before the strings, or strings beyond the end.
    found(&[damaged(16, 36), vec![0; 8]].concat());
    found(&damaged(23, 1));
    // Split BTF: its first string is not empty. Strings without an end.
    found(&damaged(56, b'x'));
    found(&damaged(60, b'x'));
    found(&blob(
        &[],
        b"\0a name that makes it larger than the other\0",
    ));
}

#[test]
fn zboot_images_are_opened() {
    for magic in MAGICS {
        let memory = memory(magic, &btf());
        let size = (memory.len() as u32).to_le_bytes();

        assert_eq!(btf_of(&zboot(&gzip(&memory), &[])), btf());
        for pack in [xz, zstd, lz4, lz4_legacy] {
            assert_eq!(btf_of(&zboot(&pack(&memory), &size)), btf());
        }
    }
}

#[test]
fn s390_images_are_opened() {
    // These types become short when compressed: the BTF as it is must not be in the image.
    let other = swapped(blob(&[0, 2 << 24, 0].repeat(1000), b"\0"), 1);
    let memory = memory(b"none", &other);
    // The build appends the size. That of a kernel is larger than a block of lz4.
    let size = (20u32 << 20).to_le_bytes();

    assert_eq!(btf_of(&s390(&memory)), other);
    assert_eq!(btf_of(&s390(&gzip(&memory))), other);
    for pack in [xz, zstd, lz4, lz4_legacy] {
        let image = s390(&[pack(&memory).as_slice(), &size].concat());
        assert_eq!(btf_of(&image), other);
        assert_eq!(btf_of(&gzip(&image)), other);
    }
    // The first compressed data need not be the kernel.
    let second = [zstd(b"code"), gzip(&memory)].concat();
    assert_eq!(btf_of(&s390(&second)), other);
}

#[test]
fn unified_images_are_opened() {
    let memory = memory(MAGICS[0], &btf());
    let [x86, ..] = images();

    for kernel in [x86, zboot(&gzip(&memory), &[]), gzip(&memory), memory] {
        let image = uki(&kernel);

        assert_eq!(btf_of(&image), btf());
        assert_eq!(btf_of(&zstd(&image)), btf());
    }
}

#[test]
fn kernels_without_btf_are_named() {
    let none = "test.ko: kernel image: there is no BTF in it";
    let memory = memory(MAGICS[0], b"");
    // The BPF object's BTF is not enough.
    let cut = &memory[..0x100];

    assert_eq!(error_of(cut), none);
    assert_eq!(error_of(&zboot(&gzip(cut), &[])), none);
    assert_eq!(error_of(&s390(&gzip(cut))), none);
    assert_eq!(
        error_of(&s390(b"")),
        "test.ko: kernel image: there is no compressed kernel, or it is damaged (offset 0x10008)"
    );
}

#[test]
fn damaged_images_are_named() {
    let packed = gzip(&memory(MAGICS[0], &btf()));
    let zboot = zboot(&packed, &[]);

    assert_eq!(
        error_of(&zboot[..14]),
        "test.ko: kernel image: the header is cut off (offset 0x8)"
    );
    assert_eq!(
        error_of(&zboot[..0x110]),
        "test.ko: kernel image: the compressed kernel reaches beyond the end (offset 0x100)"
    );
    for (magic, name) in [
        (b"\x5d\0\0\0", "lzma"),
        (b"\x89LZO", "lzo"),
        (b"BZh9", "bzip2"),
    ] {
        let image = self::zboot(magic, &[]);
        assert_eq!(
            error_of(&image),
            format!(
                "test.ko: kernel image: the kernel is compressed by {name}, which is not supported \
                 (offset 0x100)"
            )
        );
    }
    // The error is that of the kernel, not that of the code that looks like gzip.
    let mut random = fastrand::Rng::with_seed(1);
    let kernel: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(1 << 18)
        .collect();
    let s390 = s390(&gzip(&kernel));
    let error = error_of(&s390[..s390.len() - (1 << 17)]);
    assert!(
        error.starts_with("test.ko: gzip: incomplete deflate stream (offset 131"),
        "{error}"
    );

    let uki = uki(&zboot);
    assert!(error_of(&uki[..0x100]).starts_with("test.ko: PE: "));
    assert_eq!(
        error_of(&uki[..0x404]),
        "test.ko: .linux: Invalid PE section offset or size (offset 0x400)"
    );
    let mut other = uki;
    let name = other.windows(6).position(|name| name == b".linux").unwrap();
    other[name + 1] = b'w';
    assert_eq!(
        error_of(&other),
        "test.ko: .linux: there is no such section"
    );
}

/// With time that grows with the square of the length, this would not end.
#[test]
fn headers_everywhere_take_no_longer() {
    const LEN: usize = 4 << 20;
    let repeated = |bytes: &[u8]| bytes.repeat(LEN / bytes.len());
    let mut header = blob(&[0, 2 << 24, 0], b"\0");
    header.truncate(24);
    // All are as long as the file says, less what comes before.
    header[20..24].copy_from_slice(&(LEN as u32 / 2).to_ne_bytes());
    let zeros = {
        let mut header = header.clone();
        header[4..8].copy_from_slice(&(LEN as u32 / 2).to_ne_bytes());
        header.resize(1024, 0);
        header
    };

    for header in [header, zeros, vec![0x9f, 0xeb, 1, 0]] {
        let _ = open(&memory(MAGICS[0], &repeated(&header)));
    }
    for magic in [gzip(b"")[..10].to_vec(), zstd(b"")[..4].to_vec()] {
        assert!(open(&s390(&repeated(&magic))).is_err());
    }
}

#[test]
fn images_of_bombs_do_not_go_off() {
    let zeros = vec![0; 1 << 20];
    let too_large = "test.ko: larger than 131072 bytes when decompressed";

    for pack in [gzip, xz, zstd, lz4_legacy] {
        for image in [zboot(&pack(&zeros), &[]), s390(&pack(&zeros))] {
            let error = unpack(NAME.into(), Bytes::Read(image), 1 << 17).unwrap_err();
            assert_eq!(error.to_string(), too_large);
        }
    }
    // One alone is small enough, but not all that the search finds.
    let damaged = |mut bytes: Vec<u8>| {
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        bytes
    };
    let several = damaged(gzip(&zeros[..1 << 15])).repeat(5);
    let error = unpack(NAME.into(), Bytes::Read(s390(&several)), 1 << 17).unwrap_err();
    assert_eq!(error.to_string(), too_large);
}

#[test]
fn damaged_images_do_no_harm() {
    let memory = memory(MAGICS[0], &btf());
    let zboot = zboot(&gzip(&memory), &[]);
    let s390 = s390(&zstd(&memory));

    for file in [uki(&zboot), memory.clone(), zboot] {
        damage_each_byte(&file, 0..file.len());
    }
    damage_each_byte(&s390, ENTRY_POINTS..s390.len());
    // The length of the first block. More would take long: a block may have 8 MiB.
    let s390 = self::s390(&lz4_legacy(&memory));
    let block = ENTRY_POINTS + 24;
    assert!(s390[..block].ends_with(&[0x02, 0x21, 0x4c, 0x18]));
    damage_each_byte(&s390, block..block + 4);
}
