// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Random BTF: valid, of all kinds, with names that occur more than once.

use proptest::array::uniform8;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::prelude::Strategy;
use splitbtf::raw::wire;
use splitbtf::Btf;
use splitbtf::Builder;
use splitbtf::Int;
use splitbtf::Kind;
use splitbtf::NewMember;
use splitbtf::Owned;
use zerocopy::ByteOrder;

/// Numbers that a type is made of.
pub type Dice = [u8; 8];

/// The dice for up to `max` types.
pub fn dice(max: usize) -> impl Strategy<Value = Vec<Dice>> {
    vec(uniform8(any::<u8>()), 0..max)
}

/// A type to write, with the ids that it refers to.
#[derive(Clone, Debug)]
pub struct Random {
    kind: u8,
    ids: Vec<u32>,
    dice: Dice,
}

/// Makes types from the dice. The first has the id `first`. They refer to one another and to
/// `base`, the types before them.
pub fn types(first: u32, base: &[Random], dice: &[Dice]) -> Vec<Random> {
    let mut all = base.to_vec();

    for (id, dice) in (first..).zip(dice) {
        let kind = wire::INT + dice[0] % wire::ENUM64;
        // Only earlier types, so that nothing contains itself.
        let find = |fits: &dyn Fn(u8) -> bool, die: u8| {
            let ids: Vec<_> = (1..id)
                .filter(|id| fits(all[*id as usize - 1].kind))
                .collect();
            ids.get(usize::from(die).checked_rem(ids.len())?).copied()
        };
        let ty = |die| match die {
            0 => 0,
            _ => find(&is_type, die).unwrap_or_default(),
        };
        let some = |len: u8| dice[3..3 + usize::from(len % 5)].iter().map(|die| ty(*die));

        let (kind, ids) = match kind {
            wire::ARRAY => (kind, vec![ty(dice[3]), ty(dice[4])]),
            wire::STRUCT | wire::UNION => (kind, some(dice[2]).collect()),
            wire::FUNC_PROTO => (
                kind,
                [ty(dice[7])].into_iter().chain(some(dice[2])).collect(),
            ),
            wire::FUNC => match find(&|kind| kind == wire::FUNC_PROTO, dice[3]) {
                Some(proto) => (kind, vec![proto]),
                None => (wire::PTR, vec![0]),
            },
            wire::DATASEC => {
                let var = find(&|kind| kind == wire::VAR, dice[3]).filter(|var| *var >= first);
                (kind, var.into_iter().collect())
            }
            wire::INT | wire::ENUM | wire::FWD | wire::FLOAT | wire::ENUM64 => (kind, vec![]),
            _ => (kind, vec![ty(dice[3])]),
        };
        let dice = *dice;
        all.push(Random { kind, ids, dice });
    }
    let own = all.split_off(base.len());
    with_recursion(first, own)
}

/// Makes some pointers refer to later structs.
fn with_recursion(first: u32, mut types: Vec<Random>) -> Vec<Random> {
    let is_struct = |ty: &Random| ty.kind == wire::STRUCT;
    let last = types.iter().rposition(is_struct);

    for (n, ty) in types.iter_mut().enumerate() {
        if let Some(last) = last.filter(|last| *last > n) {
            if ty.kind == wire::PTR && ty.dice[4] % 4 == 0 {
                ty.ids = vec![first + last as u32];
            }
        }
    }
    types
}

/// Whether other types can refer to one of this kind.
fn is_type(kind: u8) -> bool {
    !matches!(
        kind,
        wire::FUNC | wire::VAR | wire::DATASEC | wire::DECL_TAG
    )
}

/// One of a few names, or none if `may_be_none`.
fn name(die: u8, may_be_none: bool) -> String {
    match die % 32 {
        0 if may_be_none => String::new(),
        n @ 0..16 => format!("name{}", n / 2),
        // The end of the others.
        n => format!("me{}", n / 4),
    }
}

impl Random {
    /// Adds it to a builder, with other ids.
    pub fn add<O: ByteOrder + 'static>(
        &self,
        b: &mut Builder<O>,
        new_id: &dyn Fn(u32) -> u32,
    ) -> u32 {
        let [_, name_die, _, a, c, d, ..] = self.dice;
        let must = name(name_die, false);
        let may = name(name_die, true);
        let ids: Vec<_> = self.ids.iter().map(|id| new_id(*id)).collect();
        let size = 1 << (d % 4);
        let strings: Vec<_> = self.dice.iter().map(|die| name(*die, true)).collect();
        let strings = strings.iter().map(String::as_bytes);
        let bits = if d % 3 == 0 { c % 8 } else { 0 };
        let members: Vec<_> = strings
            .clone()
            .zip(&ids)
            .map(|(name, ty)| NewMember {
                name,
                ty: *ty,
                bit_offset: u32::from(a) * 8,
                bitfield_bits: bits,
            })
            .collect();
        let values = strings.clone().take(usize::from(c % 4));

        match self.kind {
            wire::INT => b.int(
                must.as_bytes(),
                Int {
                    size,
                    encoding: a % 5,
                    offset: 0,
                    bits: (size * 8) as u8,
                },
            ),
            wire::PTR => b.ptr(ids[0]),
            wire::ARRAY => b.array(ids[0], ids[1], c.into()),
            wire::STRUCT => b.structure(may.as_bytes(), size, &members),
            wire::UNION => b.union(may.as_bytes(), size, &members),
            wire::ENUM => {
                let values: Vec<_> = values.map(|name| (name, i32::from(a) - 100)).collect();
                b.enumeration(may.as_bytes(), size, c % 2 == 0, &values)
            }
            wire::FWD => b.fwd(must.as_bytes(), c % 2 == 0),
            wire::TYPEDEF => b.typedef(must.as_bytes(), ids[0]),
            wire::VOLATILE => b.volatile(ids[0]),
            wire::CONST => b.constant(ids[0]),
            wire::RESTRICT => b.restrict(ids[0]),
            wire::FUNC => b.func(must.as_bytes(), ids[0], u32::from(c % 3)),
            wire::FUNC_PROTO => {
                let params: Vec<_> = strings.zip(ids[1..].iter().copied()).collect();
                b.func_proto(ids[0], &params)
            }
            wire::VAR => b.var(must.as_bytes(), ids[0], u32::from(c % 3)),
            wire::DATASEC => {
                let vars: Vec<_> = ids.iter().map(|id| (*id, u32::from(a), size)).collect();
                b.datasec(must.as_bytes(), u32::from(c), &vars)
            }
            wire::FLOAT => b.float(must.as_bytes(), size),
            wire::DECL_TAG => b.decl_tag(must.as_bytes(), ids[0], i32::from(c % 3) - 1),
            wire::TYPE_TAG => b.type_tag(must.as_bytes(), ids[0]),
            _ => {
                let values: Vec<_> = values
                    .map(|name| (name, (i64::from(a) - 100) << 30))
                    .collect();
                b.enumeration64(may.as_bytes(), size, c % 2 == 0, &values)
            }
        }
    }
}

/// BTF that is split on `base`, with these types as they are.
pub fn write<O: ByteOrder + 'static>(types: &[Random], base: Option<&Owned<O>>) -> Owned<O> {
    let mut builder =
        base.map_or_else(Builder::new, |base| Builder::split_on(&base.btf()).unwrap());

    for ty in types {
        ty.add(&mut builder, &|id| id);
    }
    Owned::new(builder.finish().unwrap(), base).unwrap()
}

/// The whole content of a type, with other ids.
pub fn describe<O: ByteOrder + 'static>(
    btf: &Btf<'_, O>,
    id: u32,
    new_id: &dyn Fn(u32) -> u32,
) -> String {
    let ids: Vec<_> = btf.ids(id).unwrap().map(new_id).collect();
    let names: Vec<_> = btf
        .name_offsets(id)
        .unwrap()
        .map(|name| String::from_utf8(btf.string(name).unwrap().into()).unwrap())
        .collect();
    let numbers = match btf.get(id).unwrap().kind {
        Kind::Void => "void".into(),
        Kind::Int(int) => format!("{int:?}"),
        Kind::Ptr(_) => "ptr".into(),
        Kind::Array(array) => format!("array {}", array.nelems),
        Kind::Struct(s) | Kind::Union(s) => {
            let members = s.members().map(|m| (m.bit_offset, m.bitfield_bits));
            let kind = match btf.get(id).unwrap().kind {
                Kind::Struct(_) => "struct",
                _ => "union",
            };
            format!("{kind} {} {:?}", s.size, members.collect::<Vec<_>>())
        }
        Kind::Enum {
            size,
            signed,
            values,
        } => {
            let values: Vec<_> = values.iter().map(|value| value.value).collect();
            format!("enum {size} {signed} {values:?}")
        }
        Kind::Enum64 {
            size,
            signed,
            values,
        } => {
            let values: Vec<_> = values.iter().map(|value| value.value).collect();
            format!("enum64 {size} {signed} {values:?}")
        }
        Kind::Fwd { is_union } => format!("fwd {is_union}"),
        Kind::Typedef(_) => "typedef".into(),
        Kind::Volatile(_) => "volatile".into(),
        Kind::Const(_) => "const".into(),
        Kind::Restrict(_) => "restrict".into(),
        Kind::Func { linkage, .. } => format!("func {linkage}"),
        Kind::FuncProto { .. } => "proto".into(),
        Kind::Var { linkage, .. } => format!("var {linkage}"),
        Kind::Datasec { size, vars } => {
            let vars: Vec<_> = vars.iter().map(|v| (v.offset, v.size)).collect();
            format!("datasec {size} {vars:?}")
        }
        Kind::Float { size } => format!("float {size}"),
        Kind::DeclTag { component, .. } => format!("decl_tag {component}"),
        Kind::TypeTag { attribute, .. } => format!("type_tag {attribute}"),
        other => panic!("{other:?}"),
    };

    format!("{numbers} {names:?} {ids:?}")
}
