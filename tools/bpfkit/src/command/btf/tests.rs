// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn read(words: &str, roots: &[&str]) -> Result<Dump, String> {
    let words: Vec<_> = words.split(' ').map(str::to_owned).collect();
    let roots: Vec<_> = roots.iter().map(|root| root.to_string()).collect();

    Dump::of(&words, &roots)
}

#[test]
fn grammar_is_that_of_bpftool() {
    let file = |c, roots| Dump {
        what: What::File("f".into()),
        c,
        roots,
    };
    let map = |part| Dump {
        what: What::Map(Name::Id(3), part),
        c: true,
        roots: vec![],
    };

    assert_eq!(read("file f", &[]), Ok(file(false, vec![])));
    assert_eq!(read("file f format raw", &[]), Ok(file(false, vec![])));
    assert_eq!(
        read("file f format c root_id 5", &["7", "file"]),
        Ok(file(
            true,
            vec![Root::Id(7), Root::Name("file".into()), Root::Id(5)]
        ))
    );
    assert_eq!(read("map id 3 format c", &[]), Ok(map(Part::Both)));
    assert_eq!(read("map id 3 all format c", &[]), Ok(map(Part::All)));
    assert_eq!(
        read("prog pinned /p", &[]).unwrap().what,
        What::Prog(Name::Pinned("/p".into()))
    );
    assert_eq!(read("id 9", &[]).unwrap().what, What::Id(9));
}

#[test]
fn wrong_words_are_named() {
    let error = |words| read(words, &["x"]).unwrap_err();

    assert_eq!(
        error("what f"),
        "'what' is not 'file', 'id', 'prog' or 'map'"
    );
    let error_of_none = Dump::of(&[], &[]).unwrap_err();
    assert!(error_of_none.starts_with("say what to write: 'file FILE'"));
    assert_eq!(error("id x"), "'x' is not an id");
    assert_eq!(error("prog f x"), "'f' is not 'id N' or 'pinned PATH'");
    assert_eq!(error("file f format d"), "format 'd' is not 'raw' or 'c'");
    assert_eq!(error("file f format"), "the format is missing");
    assert_eq!(error("file f more"), "'more' is not 'format' or 'root_id'");
    assert!(error("map id 3 key").starts_with("a map's key and value"));
}
