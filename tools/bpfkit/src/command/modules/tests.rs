// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::fs;
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
        "/a.ko".into(),
        "/b.ko".into(),
        path("kernel/b.ko.xz"),
        path("kernel/net/a.ko.zst"),
        path("one"),
        path("y.ko"),
        path("z.ko"),
    ];
    assert!(matches!(found, Ok(found) if found == expected));
}

#[test]
fn each_file_is_there_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let path = |name: &str| root.join(name);
    fs::create_dir(path("net")).unwrap();
    for name in ["b.ko", "a.ko", "net/a.ko", "net-a.ko"] {
        fs::write(path(name), "").unwrap();
    }
    let in_folder = ["a.ko", "b.ko", "net/a.ko", "net-a.ko"].map(path);

    let doubled = path("net//a.ko");
    let found = |paths: &[&Path]| modules(paths, None).paths().unwrap();
    assert_eq!(
        found(&[&doubled, root, &path("b.ko"), &path("b.ko")]),
        in_folder
    );
    assert_eq!(found(&[&path("b.ko"), root, &doubled]), in_folder);

    let names = |names: &[&str]| {
        let paths: Vec<_> = names.iter().map(Path::new).collect();
        let found = found(&paths).into_iter();
        found.map(|path| path.into_os_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["./y", "y", "-", "./x", "-"]), ["-", "./x", "./y"]);
    assert_eq!(names(&["y", "./y"]), ["./y"]);
}

#[test]
fn standard_input_is_a_module_or_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    let stdin = Path::new("-");
    fs::write(&list, "-\n").unwrap();

    // In a list it is the name of a file.
    let found = modules(&[stdin], Some(&list)).paths().unwrap();
    assert_eq!(found, [Path::new("./-"), stdin]);
    let both = modules(&[stdin], Some(stdin)).paths();
    assert!(matches!(both, Err(Failure::Usage(text)) if text.contains("not both")));
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
