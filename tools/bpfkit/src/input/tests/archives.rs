// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use tar::Builder;
use tar::EntryType;
use tar::Header;

use super::*;

fn tar(files: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = Builder::new(vec![]);

    for (name, kind, content) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn the_only_file_of_an_archive_is_opened() {
    let folder = ("5.4.0", EntryType::Directory, &[][..]);
    let btf = btf();
    let archive = tar(&[folder, ("5.4.0/a.btf", EntryType::Regular, &btf)]);

    assert_eq!(open(&archive).unwrap().need(".BTF").unwrap(), btf);
    assert_eq!(open(&xz(&archive)).unwrap().need(".BTF").unwrap(), btf);
}

#[test]
fn other_archives_are_errors() {
    let file = ("a", EntryType::Regular, &[0; 600][..]);

    let two = "test.ko: tar: an archive with 2 files, not with one";
    assert_eq!(error_of(&tar(&[file, file])), two);
    let none = "test.ko: tar: an archive with 0 files, not with one";
    assert_eq!(error_of(&tar(&[])), error_of(&[0; 1024]));
    assert_eq!(error_of(&tar(&[("a", EntryType::Directory, &[])])), none);
    let archive = tar(&[file]);
    let cut = error_of(&archive[..1024]);
    assert!(cut.starts_with("test.ko: tar: "), "{cut}");
    let cut = error_of(&archive[..400]);
    assert!(cut.starts_with("test.ko: tar: "), "{cut}");
}
