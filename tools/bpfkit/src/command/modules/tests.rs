// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::os::unix::fs::symlink;

use super::*;

fn modules(modules: &[&Path], files_from: Option<&Path>) -> Modules {
    Modules {
        modules: modules.iter().map(|path| path.to_path_buf()).collect(),
        files_from: files_from.map(Path::to_path_buf),
    }
}

fn message(result: Result<Vec<PathBuf>, Failure>) -> String {
    match result {
        Err(Failure::Problem(text) | Failure::Trouble(text)) => text,
        _ => panic!("no message"),
    }
}

#[test]
fn folders_and_lists() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let path = |name: &str| root.join(name);
    fs::create_dir_all(path("kernel/net")).unwrap();
    for name in [
        "z.ko",
        "kernel/b.ko.xz",
        "kernel/net/a.ko.zst",
        "kernel/modules.dep",
        "one",
    ] {
        fs::write(path(name), "").unwrap();
    }
    fs::create_dir(path("folder.ko")).unwrap();
    symlink(root, path("kernel/build")).unwrap();
    symlink(path("one"), path("y.ko")).unwrap();
    fs::write(path("list"), "/a.ko\n\n/b.ko\n").unwrap();

    let found = modules(&[&path("one"), root], Some(&path("list"))).paths();
    let expected = [
        path("one"),
        path("kernel/b.ko.xz"),
        path("kernel/net/a.ko.zst"),
        path("y.ko"),
        path("z.ko"),
        "/a.ko".into(),
        "/b.ko".into(),
    ];
    assert!(matches!(found, Ok(found) if found == expected));
}

#[test]
fn nothing_to_check() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    fs::write(&list, "\n").unwrap();

    let text = message(modules(&[folder.path()], None).paths());
    assert!(
        text.ends_with("there are no modules in this folder"),
        "{text}"
    );
    let text = message(modules(&[], Some(&list)).paths());
    assert_eq!(text, "there are no modules to check");
    let text = message(modules(&[], Some(&folder.path().join("none"))).paths());
    assert!(text.contains("none: No such file"), "{text}");
}
