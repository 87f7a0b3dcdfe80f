// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

/// A folder with these files.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    folder
}

fn names(paths: &[PathBuf], folder: &tempfile::TempDir) -> Vec<String> {
    let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_owned();

    paths
        .iter()
        .map(|path| name(path).display().to_string())
        .collect()
}

#[test]
fn objects_of_folders_and_lists() {
    let folder = folder(&["b.bpf.o", "sub/a.o", "c.ko", "list"]);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("list"), format!("{}\n\n", at("c.ko").display())).unwrap();
    let found = |paths: &[PathBuf], list: Option<&Path>| {
        objects(paths, list).map(|paths| names(&paths, &folder))
    };

    let whole = found(&[folder.path().to_owned()], Some(&at("list"))).unwrap();
    assert_eq!(whole, ["b.bpf.o", "c.ko", "sub/a.o"]);
    let twice = found(&[at("sub/a.o"), folder.path().to_owned()], None).unwrap();
    assert_eq!(twice, ["b.bpf.o", "sub/a.o"]);
    let stdin = Path::new("-");
    assert!(matches!(
        objects(&[stdin.into()], Some(stdin)),
        Err(Failure::Usage(_))
    ));
    assert_eq!(found(&[at("x")], None).unwrap(), ["x"]);
    assert!(matches!(found(&[], None), Err(Failure::Problem(_))));
    assert!(matches!(
        found(&[], Some(Path::new("/nonexistent"))),
        Err(Failure::Trouble(_))
    ));
}

#[test]
fn modules_of_folders() {
    let with_names = folder(&["b.ko.xz", "sub/a.btf", "vmlinux", "notes"]);
    let without = folder(&["ext4", "btrfs", "vmlinux"]);
    let kernel = Path::new("vmlinux");
    let found = |folder: &tempfile::TempDir| {
        let paths = modules(kernel, &[folder.path().to_owned()]).unwrap();
        names(&paths, folder)
    };

    assert_eq!(found(&with_names), ["b.ko.xz", "sub/a.btf"]);
    assert_eq!(found(&without), ["btrfs", "ext4"]);
    let named = [PathBuf::from("a.ko")];
    assert_eq!(modules(kernel, &named).unwrap(), named);
    // Those of the running kernel are not another's.
    assert_eq!(modules(kernel, &[]).unwrap(), [""; 0].map(PathBuf::from));
}
