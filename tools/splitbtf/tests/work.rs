// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! How much work an input can cause, in look-ups of types, not in time: it grows with the input's
//! length and with nothing else, whatever the input.

use std::cell::Cell;

use splitbtf::max_types;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Distiller;
use splitbtf::Index;
use splitbtf::Int;
use splitbtf::Names;
use splitbtf::NewMember;
use splitbtf::Policy;
use zerocopy::LE;

/// An index that counts its look-ups.
#[derive(Clone, Copy)]
struct Counting<'a> {
    offsets: &'a [u32],
    calls: &'a Cell<usize>,
}

impl Index for Counting<'_> {
    fn count(&self) -> usize {
        self.offsets.len()
    }

    fn offset(&self, n: usize) -> Option<usize> {
        self.calls.set(self.calls.get() + 1);
        Some(*self.offsets.get(n)? as usize)
    }
}

/// BTF in memory that is never freed.
fn built(base: Option<&Btf<'static, LE>>, add: impl FnOnce(&mut Builder<LE>)) -> Btf<'static, LE> {
    let mut builder = base.map_or_else(Builder::new, |base| Builder::split_on(base).unwrap());
    add(&mut builder);
    let bytes = builder.finish().unwrap().leak();
    let index = vec![0; max_types::<LE>(bytes).unwrap()].leak();

    let base = base.map(|base| &*Box::leak(Box::new(*base)));
    Btf::open(bytes, base, index).unwrap()
}

/// The same with an index that counts.
fn counting<'a>(
    btf: &Btf<'static, LE>,
    base: Option<&'a Btf<'a, LE, Counting<'a>>>,
    calls: &'a Cell<usize>,
) -> Btf<'a, LE, Counting<'a>> {
    let mut offsets = vec![0; max_types::<LE>(btf.bytes()).unwrap()];
    let count = {
        let again = Btf::open(btf.bytes(), btf.base(), &mut offsets).unwrap();
        again.end_id() - again.first_id()
    };
    offsets.truncate(count as usize);

    let offsets = offsets.leak();
    Btf::open_indexed(btf.bytes(), base, Counting { offsets, calls }).unwrap()
}

/// Does all operations, and returns the number of look-ups of types for each byte of input.
fn work(distilled: &Btf<'static, LE>, split: &Btf<'static, LE>, target: &Btf<'static, LE>) -> f64 {
    let calls = Cell::new(0);
    let base = counting(distilled, None, &calls);
    let bytes = distilled.bytes().len() + split.bytes().len() + target.bytes().len();
    let split = counting(split, Some(&base), &calls);
    let target = counting(target, None, &calls);

    base.validated().unwrap();
    let split = split.validated().unwrap();
    let ids = target.sorted_by_name().unwrap();
    let names = Names::indexed(target, &ids, None);
    splitbtf::relocate(&split, &names, Policy::Opaque).unwrap();
    let _ = splitbtf::relocate(&split, &names, Policy::Error);
    // The distilled base can be distilled again.
    Distiller::new().distill(&split).unwrap();
    calls.get() as f64 / bytes as f64
}

/// Some look-ups of each type, which has at least 12 bytes, and those of names.
const FEW: f64 = 2.0;

/// Types of one name are examined one by one, up to 256 of them.
const MANY: f64 = 32.0;

const N: u32 = 2000;

fn members(types: impl IntoIterator<Item = u32>) -> Vec<NewMember<'static>> {
    let member = |ty| NewMember {
        name: b"m",
        ty,
        bit_offset: 0,
        bitfield_bits: 0,
    };

    types.into_iter().map(member).collect()
}

fn int(b: &mut Builder<LE>) -> u32 {
    let int = Int {
        size: 4,
        encoding: 0,
        offset: 0,
        bits: 32,
    };

    b.int(b"int", int)
}

/// A base with an `int` alone, which is enough for all split BTF here.
fn small() -> Btf<'static, LE> {
    built(None, |b| {
        int(b);
    })
}

/// The work for split BTF with these types.
fn work_of_split(add: impl FnOnce(&mut Builder<LE>)) -> f64 {
    let base = small();

    work(&base, &built(Some(&base), add), &base)
}

#[test]
fn of_an_ordinary_module() {
    let base = built(None, |b| {
        for n in 0..N {
            b.structure(format!("type{n}").as_bytes(), n, &[]);
        }
    });
    let split = built(Some(&base), |b| {
        for n in 1..N {
            let pointer = b.ptr(n);
            b.structure(format!("own{n}").as_bytes(), 16, &members([pointer, n]));
        }
    });

    let work = work(&base, &split, &base);
    assert!(work < FEW, "{work}");
}

#[test]
fn of_one_name_everywhere() {
    let base = built(None, |b| {
        for n in 0..500 {
            b.structure(b"s", n, &[]);
        }
    });
    let split = built(Some(&base), |b| {
        for id in 1..base.end_id() {
            b.ptr(id);
        }
    });

    let work = work(&base, &split, &base);
    assert!(work < MANY, "{work}");
}

#[test]
fn of_long_chains() {
    type Link = fn(&mut Builder<LE>, u32) -> u32;
    let links: [Link; 5] = [
        |b, to| b.constant(to),
        |b, to| b.typedef(b"t", to),
        |b, to| b.array(to, 1, 1),
        |b, to| b.ptr(to),
        |b, to| b.structure(b"s", 4, &members([to])),
    ];

    for link in links {
        let down = work_of_split(|b| {
            int(b);
            for n in 0..N {
                link(b, n + 2);
            }
        });
        assert!(down < FEW, "{down}");
        let up = work_of_split(|b| {
            for n in 0..N {
                link(b, n + 3);
            }
            int(b);
        });
        assert!(up < FEW, "{up}");
        // Members that are each further away from the end, and each nearer to it.
        for step in [1, -1] {
            let all = work_of_split(|b| {
                for n in 0..N {
                    link(b, n + 3);
                }
                let last = int(b) as i64;
                let begin = if step == 1 { 2 } else { last };
                let all = (0..N.into()).map(|n: i64| (begin + step * n) as u32);
                b.structure(b"all", 4, &members(all));
            });
            assert!(all < FEW, "{all}");
        }
    }
}

#[test]
fn of_wide_and_deep_structs() {
    const WIDTH: u32 = 200;

    // Each has the next one in all of its members: there are WIDTH^DEPTH ways through them.
    let work = work_of_split(|b| {
        for n in 0..N / WIDTH {
            b.structure(b"s", 4, &members((0..WIDTH).map(|_| n + 3)));
        }
        int(b);
    });
    assert!(work < FEW, "{work}");

    // Each has all later ones as members.
    let work = work_of_split(|b| {
        for n in 0..WIDTH {
            b.union(b"u", 4, &members(n + 3..WIDTH + 3));
        }
        int(b);
    });
    assert!(work < FEW, "{work}");
}

#[test]
fn of_many_parameters_and_variables() {
    let work = work_of_split(|b| {
        let params: Vec<_> = (0..N).map(|n| (&b"p"[..], n % 2)).collect();
        for _ in 0..10 {
            b.func_proto(1, &params);
        }
        let var = b.var(b"v", 1, 0);
        let vars: Vec<_> = (0..N).map(|n| (var, n, 4)).collect();
        b.datasec(b".data", N, &vars);
    });
    assert!(work < FEW, "{work}");
}
