// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use super::*;

fn read(words: &str) -> Result<Vec<Name>, String> {
    names(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

#[test]
fn names_are_pairs() {
    let pinned = Name::Pinned("/sys/fs/bpf/m".into());

    assert_eq!(
        read("id 7 pinned /sys/fs/bpf/m"),
        Ok(vec![Name::Id(7), pinned])
    );
    assert_eq!(read("id x"), Err("'x' is not an id".into()));
    assert!(read("id -1").is_err());
    assert!(read("id 4294967296").is_err());
    assert!(read("name x").is_err());
    assert!(read("id 7 id").is_err());
}

fn options(words: &str) -> Result<Options, String> {
    let load = Load {
        object: "o".into(),
        path: "p".into(),
        words: words.split_whitespace().map(str::to_owned).collect(),
        no_bind: false,
    };
    load.options()
}

#[test]
fn words_are_bpftools() {
    let read = options(
        "name a type xdp map idx 2 id 7 map name .rodata pinned /m pinmaps /maps name b \
         autoattach xdpmeta_dev eth0 kernel_btf /b",
    )
    .unwrap();

    assert_eq!(read.programs, ["a", "b"]);
    assert_eq!(read.program_type.as_deref(), Some("xdp"));
    assert_eq!(
        read.maps,
        [
            (MapOf::Index(2), Name::Id(7)),
            (MapOf::Name(".rodata".into()), Name::Pinned("/m".into())),
        ]
    );
    assert_eq!(read.pin_maps, Some("/maps".into()));
    assert!(read.attach);
    assert_eq!(read.device, Some(Device::XdpMetadata("eth0".into())));
    assert_eq!(read.kernel_btf, Some("/b".into()));

    for wrong in [
        "name",
        "nonsense",
        "map idx x id 7",
        "map id 7 id 7",
        "map name a id",
    ] {
        assert!(options(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn programs_are_chosen() {
    let which = |words: &str| {
        Which::of(
            &words
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };

    assert_eq!(which(""), Ok(Which::All));
    assert_eq!(which("id 7"), Ok(Which::One(Name::Id(7))));
    assert_eq!(which("name 7"), Ok(Which::Called("7".into())));
    assert!(which("id x").is_err());
    let tag = Tag([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    assert_eq!(which("tag 0123456789abcdef"), Ok(Which::Tagged(tag)));
    assert!(which("tag 0123").is_err());
    assert!(which("id 7 id 8").is_err());
}

#[test]
fn all_ways_to_name_a_program_are_told() {
    let words = ["foo", "bar"].map(str::to_owned);
    let error = Which::of(&words).err();

    assert_eq!(
        error.as_deref(),
        Some("'foo' is not 'id', 'pinned', 'tag' or 'name'")
    );
}
