// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

use crate::show::Details;
use crate::show::Device;
use crate::show::Holder;
use crate::show::Link;
use crate::show::NamedMap;
use crate::show::ProgType;
use crate::show::Run;
use crate::show::Tag;
use crate::Error;
use crate::Metadata;
use crate::Value;

use super::*;

fn bare() -> Program {
    Program {
        id: 5,
        prog_type: ProgType(1),
        name: String::new(),
        tag: Tag([0x59, 0xf4, 0xa9, 0x31, 0x74, 0x4d, 0xcd, 0xc6]),
        gpl_compatible: false,
        run: None,
        recursion_misses: 0,
        dev: None,
        loaded: None,
        bytes_xlated: 16,
        jited: false,
        bytes_jited: 0,
        bytes_memlock: None,
        map_ids: vec![],
        btf_id: 0,
        metadata: Metadata::default(),
        details: None,
        untyped: vec![],
        problems: vec![],
    }
}

fn full() -> Program {
    Program {
        prog_type: ProgType(1000),
        name: "hello".into(),
        gpl_compatible: true,
        run: Some(Run {
            run_time_ns: 70,
            run_cnt: 2,
        }),
        recursion_misses: 3,
        dev: Some(Device {
            ifindex: 2,
            ns_dev: 4,
            ns_inode: 6,
        }),
        loaded: Some(LoadedBy {
            loaded_at: 1_795_244_351,
            uid: 0,
        }),
        jited: true,
        bytes_jited: 24,
        bytes_memlock: Some(4096),
        map_ids: vec![5, 6],
        btf_id: 10,
        metadata: Metadata(vec![
            ("owner".into(), Value::Text("me".into())),
            ("built".into(), Value::Unsigned(7)),
        ]),
        ..bare()
    }
}

/// The output of bpftool 7.8, with the fields in its order.
#[test]
fn text_is_bpftools() {
    assert_eq!(
        Full(&bare()).to_string(),
        "5: socket_filter  tag 59f4a931744dcdc6\n\txlated 16B  not jited\n"
    );
    let time = time::local(1_795_244_351).unwrap();
    assert_eq!(
        Full(&full()).to_string(),
        format!(
            "5: type 1000  name hello  tag 59f4a931744dcdc6  \
             offloaded_to ifindex 2 ns_dev 4 ns_ino 6  gpl run_time_ns 70 run_cnt 2 \
             recursion_misses 3\n\
             \tloaded_at {time}  uid 0\n\
             \txlated 16B  jited 24B  memlock 4096B  map_ids 5,6\n\
             \tbtf_id 10\n\
             \tmetadata:\n\
             \t\towner = \"me\"\n\
             \t\tbuilt = 7\n"
        )
    );
}

#[test]
fn json_is_bpftools() {
    assert_eq!(
        serde_json::to_string(&Full(&bare())).unwrap(),
        r#"{"id":5,"type":"socket_filter","tag":"59f4a931744dcdc6","gpl_compatible":false,"#
            .to_owned()
            + r#""orphaned":false,"bytes_xlated":16,"jited":false}"#
    );
    assert_eq!(
        serde_json::to_string(&Full(&full())).unwrap(),
        r#"{"id":5,"type":1000,"name":"hello","tag":"59f4a931744dcdc6","gpl_compatible":true,"#
            .to_owned()
            + r#""run_time_ns":70,"run_cnt":2,"recursion_misses":3,"#
            + r#""dev":{"ifindex":2,"ns_dev":4,"ns_inode":6},"loaded_at":1795244351,"uid":0,"#
            + r#""orphaned":false,"bytes_xlated":16,"jited":true,"bytes_jited":24,"#
            + r#""bytes_memlock":4096,"map_ids":[5,6],"btf_id":10,"#
            + r#""metadata":{"owner":"me","built":7}}"#
    );
}

/// bpftool says nothing of them in JSON.
#[test]
fn errors_are_with_their_program() {
    let program = Program {
        problems: vec![Error::NoBtf {
            what: "map id 7".into(),
        }],
        ..bare()
    };
    let end = r#""errors":["map id 7: there is no BTF"]}"#;

    let json = serde_json::to_string(&Full(&program)).unwrap();
    assert!(json.ends_with(end), "{json}");
    let json = serde_json::to_string(&Short(program.summary())).unwrap();
    assert!(json.ends_with(end), "{json}");
}

#[test]
fn details_come_after_the_rest() {
    let program = Program {
        details: Some(Details {
            pids: vec![Holder {
                pid: 7,
                comm: "agent".into(),
            }],
            links: [(3, "xdp"), (4, "type 99")]
                .map(|(id, name)| Link {
                    id,
                    link_type: name.into(),
                })
                .into(),
            maps: vec![NamedMap {
                id: 5,
                name: "o.rodata".into(),
            }],
        }),
        ..bare()
    };

    assert!(Full(&program)
        .to_string()
        .ends_with("not jited\n\tpids agent(7)\n\tlinks 3(xdp), 4(type 99)\n\tmaps 5(o.rodata)\n"));
    assert!(serde_json::to_string(&Full(&program)).unwrap().ends_with(
        &(r#""pids":[{"pid":7,"comm":"agent"}],"#.to_owned()
            + r#""links":[{"id":3,"type":"xdp"},{"id":4,"type":"type 99"}],"#
            + r#""maps":[{"id":5,"name":"o.rodata"}]}"#)
    ));
}

#[test]
fn summaries_are_short() {
    let program = full();

    assert_eq!(
        Short(program.summary()).to_string(),
        "5: type 1000  name hello  tag 59f4a931744dcdc6\n\towner = \"me\"\n\tbuilt = 7\n"
    );
    assert_eq!(
        serde_json::to_string(&Short(program.summary())).unwrap(),
        r#"{"id":5,"type":1000,"name":"hello","tag":"59f4a931744dcdc6","#.to_owned()
            + r#""metadata":{"owner":"me","built":7}}"#
    );
}
