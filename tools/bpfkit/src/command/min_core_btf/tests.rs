// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn message<T>(result: Result<T, Failure>) -> String {
    match result {
        Err(Failure::Problem(text) | Failure::Trouble(text)) => text,
        _ => panic!("no message"),
    }
}

/// The names of the results for a folder with these files.
fn names(files: &[&str], modules: bool) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    match Source::of(folder.path(), modules) {
        Ok(Source::Folder(files)) => {
            let names = files.iter().map(|(_, name)| name.display().to_string());
            Ok(names.collect())
        }
        Ok(_) => panic!("no folder"),
        failure => Err(message(failure).replace(&folder.path().display().to_string(), "DIR")),
    }
}

#[test]
fn kernels_in_a_folder_give_names_to_results() {
    let files = [
        "ubuntu/20.04/x86_64/5.4.0-42-generic.btf.tar.xz",
        "ubuntu/20.04/x86_64/5.4.0-42-generic.failed",
        "boot/vmlinuz-6.1.0",
        "boot/vmlinux",
        "boot/initrd.img-6.1.0",
        "a.btf.gz",
        "b.btf",
        "README.md",
        ".btf",
        "m.ko.xz",
    ];

    let kernels = [
        "a.btf",
        "b.btf",
        "boot/vmlinux.btf",
        "boot/vmlinuz-6.1.0.btf",
        "ubuntu/20.04/x86_64/5.4.0-42-generic.btf",
    ];
    assert_eq!(names(&files, false).unwrap(), kernels);
    let modules = [
        "a.btf",
        "b.btf",
        "m.btf",
        "ubuntu/20.04/x86_64/5.4.0-42-generic.btf",
    ];
    assert_eq!(names(&files, true).unwrap(), modules);
}

#[test]
fn names_must_differ() {
    let files = ["a.btf", "a.btf.xz"];
    let expected = "the results for DIR/a.btf and DIR/a.btf.xz would have the same name";

    assert_eq!(names(&files, false).unwrap_err(), expected);
    let expected = "DIR: there is no BTF in this folder";
    assert_eq!(names(&["README"], false).unwrap_err(), expected);
}

#[test]
fn archives_of_one_kernel_are_files() {
    let is_archive =
        |name: &str| matches!(Source::of(Path::new(name), false), Ok(Source::Archive(_)));

    assert!(is_archive("btfhub.tar"));
    assert!(is_archive("btfhub.tar.zst"));
    assert!(is_archive("btfhub.tgz"));
    assert!(!is_archive("5.4.0-42-generic.btf.tar.xz"));
    assert!(!is_archive("vmlinux.xz"));
}
