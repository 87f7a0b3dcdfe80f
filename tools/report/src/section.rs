// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause

//! Groups records into sections.

use std::collections::BTreeMap;

use crate::record::Group;
use crate::record::Record;

/// The records of a group. Names are in the order in which they first appeared, and the records of
/// a name in the order of their parameter.
#[derive(Clone, Debug)]
pub struct Section {
    /// The group.
    pub group: Group,
    /// The records of each name.
    pub(crate) series: Vec<Vec<Record>>,
}

/// Groups records by section and name, and merges those of the same measurement.
pub fn sections(records: Vec<Record>) -> Vec<Section> {
    let mut groups: BTreeMap<Group, Vec<Vec<Record>>> = BTreeMap::new();

    for record in records {
        let all = groups.entry(record.group).or_default();
        let named = |series: &Vec<Record>| series.iter().any(|one| one.name == record.name);
        match all.iter().position(named).and_then(|n| all.get_mut(n)) {
            Some(series) => add(series, record),
            None => all.push(vec![record]),
        }
    }
    let value = |record: &Record| record.x.as_ref().map_or(0.0, |x| x.value);
    groups
        .into_iter()
        .map(|(group, mut series)| {
            for one in &mut series {
                one.sort_by(|a, b| value(a).total_cmp(&value(b)));
            }
            Section { group, series }
        })
        .collect()
}

fn add(series: &mut Vec<Record>, record: Record) {
    match series.iter_mut().find(|one| one.x == record.x) {
        None => series.push(record),
        Some(one) => {
            one.ours.extend(record.ours);
            one.theirs.extend(record.theirs);
            one.equal = match (one.equal, record.equal) {
                (Some(a), Some(b)) => Some(a && b),
                (a, b) => a.or(b),
            };
        }
    }
}
