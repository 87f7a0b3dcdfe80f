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
