// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Properties of all valid BTF, tried on random BTF of both byte orders.

mod random;

use proptest::prelude::any;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use proptest::test_runner::Config as ProptestConfig;
use proptest::test_runner::TestCaseError;
use random::describe;
use random::dice;
use random::types;
use random::write;
use random::Random;
use splitbtf::distill;
use splitbtf::relocate;
use splitbtf::Btf;
use splitbtf::BtfExt;
use splitbtf::Builder;
use splitbtf::Distilled;
use splitbtf::Error;
use splitbtf::Kind;
use splitbtf::Mismatch;
use splitbtf::Names;
use splitbtf::Owned;
use splitbtf::Policy;
use splitbtf::Relocated;
use splitbtf::ValidExt;
use zerocopy::ByteOrder;
use zerocopy::BE;
use zerocopy::LE;

type Outcome = Result<(), TestCaseError>;

/// A base, and BTF that is split on it.
struct Pair<O: ByteOrder + 'static> {
    base: Owned<O>,
    split: Owned<O>,
}

impl<O: ByteOrder + 'static> Pair<O> {
    fn new(base: &[Random], split: &[Random]) -> Self {
        let base = write::<O>(base, None);
        let split = write(split, Some(&base));

        Self { base, split }
    }

    fn of(distilled: &Distilled) -> Self {
        let base = Owned::new(distilled.base.clone(), None).unwrap();
        let split = Owned::new(distilled.split.clone(), Some(&base)).unwrap();

        Self { base, split }
    }
}

/// Relocates distilled BTF.
fn onto<O: ByteOrder + 'static>(
    distilled: &Distilled,
    target: &Btf<'_, O>,
    policy: Policy,
) -> Result<Relocated, Error> {
    let pair = Pair::<O>::of(distilled);
    let base = pair.base.btf();
    let split = pair.split.btf();
    let ids = target.sorted_by_name().unwrap();

    base.validated().unwrap();
    relocate(
        &split.validated().unwrap(),
        &Names::indexed(*target, &ids, None),
        policy,
    )
}

/// Whether this is a possible reason why a base's own type is not found in it.
fn is_ambiguous(error: &Error) -> bool {
    matches!(
        error,
        Error::Unmatched {
            reason: Mismatch::Ambiguous { .. },
            ..
        }
    )
}

/// Random types, and split ones on them.
fn types_of(base: &[[u8; 8]], split: &[[u8; 8]]) -> (Vec<Random>, Vec<Random>) {
    let base = types(1, &[], base);
    let split = types(base.len() as u32 + 1, &base, split);

    (base, split)
}

/// BTF that is read and written again has the same bytes.
fn writing_is_the_reverse_of_reading<O: ByteOrder + 'static>(
    base: &[Random],
    split: &[Random],
) -> Outcome {
    let pair = Pair::<O>::new(base, split);
    let base = pair.base.btf();
    let split = pair.split.btf();

    for btf in [&base, &split] {
        btf.validated().unwrap();
        let mut builder = Builder::like(btf).unwrap();
        for id in btf.first_id()..btf.end_id() {
            builder.copy(btf, id).unwrap();
        }
        prop_assert_eq!(&builder.finish().unwrap()[..], btf.bytes());
    }
    Ok(())
}

/// BTF that is distilled, and relocated to a base with the types of `base` in another order, means
/// the same as before.
///
/// `order` has the new id of each type of the base.
fn nothing_is_lost<O: ByteOrder + 'static>(
    base: &[Random],
    split: &[Random],
    order: &[u32],
) -> Outcome {
    let pair = Pair::<O>::new(base, split);
    let split = pair.split.btf();
    let moved = |id: u32| match id.checked_sub(1) {
        Some(n) => order[n as usize],
        None => 0,
    };
    let mut olds: Vec<_> = (0..base.len()).collect();
    olds.sort_by_key(|n| order[*n]);
    let mut builder = Builder::<O>::new();
    for n in olds {
        base[n].add(&mut builder, &moved);
    }
    let target_file = Owned::<O>::new(builder.finish().unwrap(), None).unwrap();
    let target = target_file.btf();

    let distilled = distill(&split.validated().unwrap()).unwrap();
    let there = match onto(&distilled, &target, Policy::Error) {
        Ok(there) => there,
        Err(error) => {
            prop_assert!(is_ambiguous(&error), "{}", error);
            return Ok(());
        }
    };
    let new = Owned::new(there.bytes, Some(&target_file)).unwrap();
    let new = new.btf();
    new.validated().unwrap();
    let new_id = |old| there.id_map[distilled.id(old).unwrap() as usize];
    for old in 1..split.end_id() {
        if distilled.id(old).is_none() {
            continue;
        }
        let id = new_id(old);
        if id < target.end_id() {
            // A type of the base is that very type.
            prop_assert_eq!(id, moved(old));
        } else {
            let want = describe(&split, old, &new_id);
            prop_assert_eq!(describe(&new, id, &|id| id), want);
        }
    }
    Ok(())
}

/// Whether the split BTF contains this type of its base: as a member, or by value in a function or a
/// variable.
fn is_contained<O: ByteOrder + 'static>(split: &Btf<'_, O>, id: u32) -> bool {
    let contains = |member: u32| {
        let mut next = member;
        loop {
            if next == id {
                return true;
            }
            next = match split.get(next).unwrap().kind {
                Kind::Typedef(to) | Kind::Const(to) | Kind::Volatile(to) | Kind::Restrict(to) => to,
                Kind::TypeTag { ty, .. } => ty,
                Kind::Array(array) => array.ty,
                _ => return false,
            };
        }
    };
    let parts = |kind| match kind {
        Kind::Struct(of) | Kind::Union(of) => of.members().map(|member| member.ty).collect(),
        Kind::FuncProto { returns, params } => {
            let params = params.iter().map(|param| param.ty);
            params.chain([returns]).collect()
        }
        Kind::Var { ty, .. } => vec![ty],
        _ => vec![],
    };

    let types = split.types().map(|ty| ty.unwrap());
    types.flat_map(|ty| parts(ty.kind)).any(contains)
}

/// The text of [`describe`] for the type that the split BTF may have instead of one that does not
/// match.
fn instead<O: ByteOrder + 'static>(
    distilled: &Btf<'_, O>,
    id: u32,
    contained: bool,
    reason: Mismatch,
) -> Option<String> {
    let ty = distilled.get(id).unwrap();
    let name = String::from_utf8(distilled.string(ty.name_off).unwrap().into()).unwrap();
    let fwd = |is_union| format!("fwd {is_union} {:?} []", [&name]);
    let same = describe(distilled, id, &|id| id);

    match (ty.kind, reason) {
        (Kind::Struct(_), _) if !contained => Some(fwd(false)),
        (Kind::Union(_), _) if !contained => Some(fwd(true)),
        (Kind::Fwd { .. }, _) if !contained => Some(same),
        (Kind::Int(_) | Kind::Float { .. }, Mismatch::Ambiguous { .. }) => None,
        (Kind::Int(_) | Kind::Float { .. }, _) => Some(same),
        (Kind::Enum { .. }, Mismatch::Missing | Mismatch::Kind { .. }) => Some(same),
        _ => None,
    }
}

/// A type that does not match becomes opaque, is kept, or is refused, exactly by the rule.
fn the_rule_is_kept<O: ByteOrder + 'static>(
    base: &[Random],
    split: &[Random],
    target: &[Random],
) -> Outcome {
    let pair = Pair::<O>::new(base, split);
    let split = pair.split.btf();
    let target_file = write::<O>(target, None);
    let target = target_file.btf();
    let distilled = distill(&split.validated().unwrap()).unwrap();
    let pair = Pair::<O>::of(&distilled);
    let distilled_base = pair.base.btf();
    let distilled_split = pair.split.btf();
    let contained = |id| is_contained(&distilled_split, id);
    let ids = target.sorted_by_name().unwrap();
    let names = Names::indexed(target, &ids, None);
    let needs = distilled_split.validated().unwrap().needs().unwrap();
    let foretold = needs.unmatched(&distilled_base, &names).unwrap();

    let strict = onto(&distilled, &target, Policy::Error);
    let there = match onto(&distilled, &target, Policy::Opaque) {
        Ok(there) => there,
        Err(Error::Unmatched {
            id,
            contained: said,
            reason,
            ..
        }) => {
            prop_assert_eq!(said, contained(id));
            let first = foretold.iter().find(|unmatched| unmatched.own.is_none());
            prop_assert_eq!(
                first.map(|first| (first.id, first.reason)),
                Some((id, reason))
            );
            prop_assert_eq!(instead(&distilled_base, id, said, reason), None);
            // The first that may not be kept is not before the first that does not match.
            let Err(Error::Unmatched { id: first, .. }) = strict else {
                return Err(TestCaseError::fail(format!("{strict:?}")));
            };
            prop_assert!(first <= id);
            return Ok(());
        }
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let new = Owned::new(there.bytes.clone(), Some(&target_file)).unwrap();
    let new = new.btf();
    new.validated().unwrap();
    let kept = there
        .kept
        .iter()
        .map(|kept| (kept.id, Some(kept.own), kept.reason));
    let foretold = foretold.iter().map(|ty| (ty.id, ty.own, ty.reason));
    prop_assert!(kept.eq(foretold));
    for kept in &there.kept {
        let want = instead(&distilled_base, kept.id, contained(kept.id), kept.reason);
        prop_assert_eq!(Some(describe(&new, kept.new_id, &|id| id)), want);
        prop_assert_eq!(there.id_map[kept.id as usize], kept.new_id);
    }
    let own = new.end_id() - new.first_id();
    prop_assert_eq!(
        own as usize,
        there.id_map.len() - distilled_base.end_id() as usize + there.kept.len()
    );

    match strict {
        Ok(strict) => prop_assert_eq!(strict, there),
        Err(Error::Unmatched {
            id,
            contained: said,
            reason,
            ..
        }) => {
            let first = there.kept[0];
            prop_assert_eq!((id, reason), (first.id, first.reason));
            prop_assert_eq!(said, contained(id));
        }
        Err(error) => prop_assert!(false, "{}", error),
    }
    Ok(())
}

/// Rewriting in place gives the same as writing all anew.
fn in_place_is_the_same<O: ByteOrder + 'static>(
    base: &[Random],
    split: &[Random],
    target: &[Random],
) -> Outcome {
    let pair = Pair::<O>::new(base, split);
    let split = pair.split.btf();
    let pair = Pair::<O>::of(&distill(&split.validated().unwrap()).unwrap());
    let base = pair.base.btf();
    let split = pair.split.btf();
    let split = split.validated().unwrap();
    let target_file = write::<O>(target, None);
    let target = target_file.btf();
    let index = target.sorted_by_name().unwrap();
    let names = Names::indexed(target, &index, None);

    let (ids, strings) = split.relocation_scratch();
    let (mut ids, mut strings) = (vec![0; ids], vec![0; strings]);
    let relocation = match split.relocate(&names, Policy::Opaque, &mut ids, &mut strings) {
        Ok(relocation) => relocation,
        Err(Error::Unmatched { .. }) => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let mut written = vec![0; relocation.written_len()];
    relocation
        .write(split.bytes(), &base, &mut written)
        .unwrap();
    let mut in_place = split.bytes().to_vec();
    match relocation.rewrite(&mut in_place) {
        Ok(()) => {
            prop_assert!(relocation.fits());
            prop_assert_eq!(in_place, written);
        }
        Err(_) => {
            prop_assert!(!relocation.fits());
            prop_assert_eq!(&in_place[..], split.bytes());
        }
    }
    Ok(())
}

/// The distilled base is sorted, and the split BTF is if it was before.
fn order_is_kept<O: ByteOrder + 'static>(base: &[Random], split: &[Random]) -> Outcome {
    let pair = Pair::<O>::new(base, split);
    let split = pair.split.btf();
    let distilled = distill(&split.validated().unwrap()).unwrap();

    prop_assert_eq!(&distill(&split.validated().unwrap()).unwrap(), &distilled);
    let pair = Pair::<O>::of(&distilled);
    let base = pair.base.btf();
    prop_assert_eq!(base.first_named(), Some(1));
    for ty in base.types() {
        let kind = ty.unwrap().kind;
        let no_members = match kind {
            Kind::Struct(composite) | Kind::Union(composite) => composite.members().len() == 0,
            Kind::Enum { values, .. } => values.is_empty(),
            Kind::Int(_) | Kind::Float { .. } | Kind::Fwd { .. } => true,
            _ => false,
        };
        prop_assert!(no_members, "{:?}", kind);
    }
    if split.first_named().is_some() {
        let split = pair.split.btf();
        prop_assert!(split.first_named().is_some());
    }
    Ok(())
}

/// Ids from 1 on in the order of some numbers.
fn shuffled(len: usize, by: &[u32]) -> Vec<u32> {
    let mut ids: Vec<_> = (1..=len as u32).collect();

    ids.sort_by_key(|id| by.get(*id as usize - 1).copied().unwrap_or(*id));
    ids
}

proptest! {
    // Failures are printed. They need no file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_as_read(base in dice(40), split in dice(40)) {
        let (base, split) = types_of(&base, &split);
        writing_is_the_reverse_of_reading::<LE>(&base, &split)?;
        writing_is_the_reverse_of_reading::<BE>(&base, &split)?;
    }

    #[test]
    fn there_and_back(base in dice(30), split in dice(20)) {
        let (base, split) = types_of(&base, &split);
        let order = shuffled(base.len(), &[]);
        nothing_is_lost::<LE>(&base, &split, &order)?;
        nothing_is_lost::<BE>(&base, &split, &order)?;
    }

    #[test]
    fn to_the_same_in_another_order(
        base in dice(30),
        split in dice(20),
        by in proptest::collection::vec(any::<u32>(), 30),
    ) {
        let (base, split) = types_of(&base, &split);
        let order = shuffled(base.len(), &by);
        nothing_is_lost::<LE>(&base, &split, &order)?;
        nothing_is_lost::<BE>(&base, &split, &order)?;
    }

    #[test]
    fn to_something_else(base in dice(30), split in dice(20), target in dice(30)) {
        let (base, split) = types_of(&base, &split);
        let target = types(1, &[], &target);
        the_rule_is_kept::<LE>(&base, &split, &target)?;
        the_rule_is_kept::<BE>(&base, &split, &target)?;
    }

    #[test]
    fn in_place(base in dice(20), split in dice(20), change in dice(3)) {
        let (base, split) = types_of(&base, &split);
        // Mostly the same, so that in most cases it fits.
        let mut target = base.clone();
        target.extend(types(base.len() as u32 + 1, &base, &change));
        in_place_is_the_same::<LE>(&base, &split, &target)?;
        in_place_is_the_same::<BE>(&base, &split, &target)?;
    }

    #[test]
    fn sorted(base in dice(30), split in dice(8)) {
        let (base, split) = types_of(&base, &split);
        order_is_kept::<LE>(&base, &split)?;
        order_is_kept::<BE>(&base, &split)?;
    }
}
