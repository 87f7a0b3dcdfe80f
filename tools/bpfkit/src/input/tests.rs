// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

mod archives;
mod images;

use std::io::Write;

use flate2::write::GzEncoder;
use lz4_flex::frame::FrameEncoder;
use lzma_rust2::XzOptions;
use lzma_rust2::XzWriter;
use object::write::Object;
use object::Architecture;
use object::BinaryFormat;
use object::SectionKind;
use ruzstd::encoding::CompressionLevel;

use super::image::x86::setup;
use super::*;
use crate::testing::blob;

const NAME: &str = "test.ko";

/// The content of `.BTF.base` in each of the ELF files below.
const BASE: &[u8] = b"the base";

fn btf() -> Vec<u8> {
    blob(&[0, 1 << 24, 4, 32], b"\0int\0")
}

fn elf(architecture: Architecture, endianness: Endianness) -> Vec<u8> {
    let mut elf = Object::new(BinaryFormat::Elf, architecture, endianness);

    for (name, content) in [(".BTF", btf().as_slice()), (".BTF.base", BASE)] {
        let section = elf.add_section(Vec::new(), name.into(), SectionKind::Debug);
        elf.append_section_data(section, content, 4);
    }
    elf.write().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Default::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(0)).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The older format, as `lz4 -l` writes it, but with small blocks.
fn lz4_legacy(bytes: &[u8]) -> Vec<u8> {
    let mut packed = vec![0x02, 0x21, 0x4c, 0x18];

    for block in bytes.chunks(4096) {
        let block = lz4_flex::block::compress(block);
        packed.extend((block.len() as u32).to_le_bytes());
        packed.extend(block);
    }
    packed
}

/// A kernel image with two sectors of setup code, and 16 bytes of code before the payload.
fn image(payload: &[u8], size: &[u8]) -> Vec<u8> {
    let mut image = vec![0; 512 * 3 + 16];
    let len = (payload.len() + size.len()) as u32;

    image[setup::SECTORS] = 2;
    image[setup::BOOT_FLAG..][..2].copy_from_slice(&[0x55, 0xaa]);
    image[setup::MAGIC..][..4].copy_from_slice(b"HdrS");
    image[setup::VERSION..][..2].copy_from_slice(&[0x0f, 2]);
    image[setup::PAYLOAD_OFFSET..][..4].copy_from_slice(&16u32.to_le_bytes());
    image[setup::PAYLOAD_LENGTH..][..4].copy_from_slice(&len.to_le_bytes());
    [&image, payload, size, b"code"].concat()
}

fn images() -> [Vec<u8>; 4] {
    let elf = elf(Architecture::X86_64, Endianness::Little);
    let size = (elf.len() as u32).to_le_bytes();

    [
        image(&gzip(&elf), &[]),
        image(&xz(&elf), &size),
        image(&zstd(&elf), &size),
        image(&lz4(&elf), &size),
    ]
}

fn open(bytes: &[u8]) -> Result<Input, InputError> {
    Input::from_bytes(NAME.into(), bytes.to_vec())
}

fn error_of(bytes: &[u8]) -> String {
    open(bytes).unwrap_err().to_string()
}

#[test]
fn btf_by_itself_has_one_section() {
    let padded = [btf(), vec![0; 4096]].concat();
    let input = open(&padded).unwrap();

    assert_eq!(input.section(".BTF").unwrap(), Some(padded.as_slice()));
    assert_eq!(input.section(".BTF.base").unwrap(), None);
    assert_eq!(input.endian(), Endian::Little);
    assert_eq!(open(&[0xeb, 0x9f]).unwrap().endian(), Endian::Big);
}

#[test]
fn sections_of_any_elf_are_found() {
    for (architecture, endianness, order) in [
        (Architecture::X86_64, Endianness::Little, Endian::Little),
        (Architecture::I386, Endianness::Little, Endian::Little),
        (Architecture::S390x, Endianness::Big, Endian::Big),
        (Architecture::PowerPc, Endianness::Big, Endian::Big),
    ] {
        let input = open(&elf(architecture, endianness)).unwrap();

        assert_eq!(input.endian(), order);
        assert_eq!(input.need(".BTF").unwrap(), btf());
        assert_eq!(input.section(".BTF.base").unwrap(), Some(BASE));
        assert_eq!(input.section(".BTF_ids").unwrap(), None);
        assert_eq!(
            input.need(".BTF_ids").unwrap_err().to_string(),
            "test.ko: .BTF_ids: there is no such section"
        );
    }
}

#[test]
fn readers_are_read_once_and_to_the_end() {
    let elf = elf(Architecture::X86_64, Endianness::Little);
    let packed = xz(&elf);
    let (first, rest) = packed.split_at(7);

    let input = Input::from_reader("-".into(), first.chain(rest)).unwrap();
    assert_eq!(input.path(), Path::new("-"));
    assert_eq!(input.need(".BTF").unwrap(), btf());
    let empty = Input::from_reader("-".into(), io::empty()).unwrap_err();
    assert!(empty.to_string().starts_with("-: neither BTF, ELF nor"));
}

#[test]
fn compression_is_taken_off() {
    let elf = elf(Architecture::X86_64, Endianness::Little);

    for pack in [gzip, xz, zstd, lz4, lz4_legacy] {
        assert_eq!(open(&pack(&elf)).unwrap().need(".BTF").unwrap(), btf());
        for outer in [gzip, xz, zstd, lz4, lz4_legacy] {
            let bytes = outer(&pack(&btf()));
            assert_eq!(open(&bytes).unwrap().need(".BTF").unwrap(), btf());
        }
    }
    // Parallel compressors write several pieces.
    let (first, second) = elf.split_at(100);
    for pack in [gzip, xz, zstd] {
        let bytes = [pack(first), pack(second)].concat();
        assert_eq!(open(&bytes).unwrap().need(".BTF").unwrap(), btf());
    }
}

#[test]
fn kernel_images_are_opened() {
    let elf = elf(Architecture::X86_64, Endianness::Little);
    let legacy = image(&lz4_legacy(&elf), &(elf.len() as u32).to_le_bytes());

    for image in images().into_iter().chain([legacy]) {
        assert_eq!(open(&image).unwrap().need(".BTF").unwrap(), btf());
        // Firmware, for example, has images that are compressed as a whole.
        assert_eq!(open(&gzip(&image)).unwrap().need(".BTF").unwrap(), btf());
    }
}

#[test]
fn damage_is_named() {
    let [image, ..] = images();

    assert_eq!(
        error_of(b""),
        "test.ko: neither BTF, ELF nor a kernel image, nor one of them compressed by gzip, xz, zstd or lz4"
    );
    assert!(error_of(b"\x7fELF").starts_with("test.ko: ELF: "));
    assert!(error_of(&xz(b"x")[..20]).starts_with("test.ko: xz: "));
    assert_eq!(
        error_of(&image[..image.len() - 5]),
        "test.ko: kernel image: the compressed kernel reaches beyond the end (offset 0x610)"
    );
    assert_eq!(
        error_of(&image[..0x24e]),
        "test.ko: kernel image: the header is cut off (offset 0x248)"
    );
    let mut old = image.clone();
    old[setup::VERSION] = 7;
    assert!(error_of(&old).contains("older than 2.08"));
    let mut other = image;
    other[0x610] = b'B';
    assert_eq!(
        error_of(&other),
        "test.ko: kernel image: the kernel is not compressed by gzip, xz, zstd or lz4 (offset 0x610)"
    );
}

#[test]
fn a_section_outside_is_named() {
    let mut elf = elf(Architecture::X86_64, Endianness::Little);
    let headers = u64::from_le_bytes(elf[40..48].try_into().unwrap()) as usize;
    let btf = &mut elf[headers + 64..][..64];

    btf[32..40].copy_from_slice(&(1u64 << 40).to_le_bytes());
    assert_eq!(
        open(&elf).unwrap().need(".BTF").unwrap_err().to_string(),
        "test.ko: .BTF: Invalid ELF section size or offset (offset 0x40)"
    );
}

#[test]
fn bombs_do_not_go_off() {
    let zeros = vec![0; 1 << 20];

    for pack in [gzip, xz, zstd, lz4, lz4_legacy] {
        let error = unpack(NAME.into(), Bytes::Read(pack(&zeros)), 1 << 16).unwrap_err();
        assert_eq!(
            error.to_string(),
            "test.ko: larger than 65536 bytes when decompressed"
        );
    }
    assert_eq!(
        unpack(NAME.into(), Bytes::Read(zeros), 1 << 16)
            .unwrap_err()
            .to_string(),
        "test.ko: larger than 65536 bytes"
    );

    let mut bytes = btf();
    for _ in 0..MAX_LAYERS {
        bytes = gzip(&bytes);
    }
    assert!(open(&bytes).is_ok());
    assert_eq!(
        error_of(&gzip(&bytes)),
        "test.ko: more than 4 layers of compression and of kernel images"
    );
}

/// Opens a file after changing each of these bytes, or ending it there. Any result will do, if it
/// comes soon and without a panic.
fn damage_each_byte(file: &[u8], places: Range<usize>) {
    let read = |bytes| {
        if let Ok(input) = unpack(NAME.into(), Bytes::Read(bytes), 1 << 20) {
            for name in [".BTF", ".BTF.base", ".BTF_ids"] {
                let _ = input.section(name);
            }
        }
    };

    for at in places {
        read(file[..at].to_vec());
        for bits in [0x01, 0x80, 0xff] {
            let mut bytes = file.to_vec();
            bytes[at] ^= bits;
            read(bytes);
        }
    }
}

#[test]
fn damaged_files_do_no_harm() {
    let elf = elf(Architecture::X86_64, Endianness::Little);
    let big = self::elf(Architecture::PowerPc, Endianness::Big);
    let files = [gzip(&elf), xz(&elf), zstd(&elf), lz4(&elf), elf, big];

    for file in files.iter().chain(&images()) {
        damage_each_byte(file, 0..file.len());
    }
}

#[test]
fn a_section_without_the_rest() {
    let input = |bytes| Input::from_bytes(NAME.into(), bytes).unwrap();
    let mut empty = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    empty.add_section(Vec::new(), b".BTF".to_vec(), SectionKind::Debug);
    let elf = elf(Architecture::X86_64, Endianness::Little);

    assert_eq!(*input(elf.clone()).into_section(".BTF").unwrap(), btf());
    assert_eq!(*input(elf).into_section(".BTF.base").unwrap(), *BASE);
    assert_eq!(*input(btf()).into_section(".BTF").unwrap(), btf());
    let empty = input(empty.write().unwrap()).into_section(".BTF").unwrap();
    assert!(empty.is_empty());
    assert!(input(btf()).into_section(".BTF.base").is_err());
}

#[test]
fn sections_of_a_debug_file_are_elsewhere() {
    let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    for name in [".BTF", ".BTF.base"] {
        let section = file.add_section(Vec::new(), name.into(), SectionKind::UninitializedData);
        file.append_section_bss(section, 4096, 4);
    }
    let input = open(&file.write().unwrap()).unwrap();

    for name in [".BTF", ".BTF.base"] {
        let reason = "a debug file: the content is in the stripped one";
        let error = format!("test.ko: {name}: {reason}");
        assert_eq!(input.need(name).unwrap_err().to_string(), error);
        assert_eq!(input.section(name).unwrap_err().to_string(), error);
    }
    assert!(input.section(".BTF_ids").unwrap().is_none());
}
