// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_new_file_takes_the_place_of_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let files = || fs::read_dir(folder.path()).unwrap().count();

    replace(&path, b"one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    replace(&path, b"two").unwrap();

    assert_eq!(fs::read(&path).unwrap(), b"two");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, files()), (0o640, 1));
    assert!(replace(&folder.path().join("none/file"), b"").is_err());
    fs::create_dir(folder.path().join("folder")).unwrap();
    assert!(replace(&folder.path().join("folder"), b"").is_err());
    assert_eq!(files(), 2);
}

#[test]
fn links_take_the_place_of_files() {
    use std::os::unix::fs::MetadataExt;

    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    replace(&one, b"same").unwrap();
    replace(&two, b"same").unwrap();

    link(&one, &two).unwrap();
    assert_eq!(inode(&one), inode(&two));
    // A link is replaced, and the other keeps its content.
    replace(&two, b"other").unwrap();
    assert_eq!(fs::read(&one).unwrap(), b"same");
    assert!(link(&folder.path().join("none"), &two).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn nothing_is_left_if_writing_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let result = replace_with(&path, |file| {
        file.write_all(b"part")?;
        Err(io::Error::other("broken"))
    });

    assert!(result.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
