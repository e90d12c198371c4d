//! The processors of the machine, as `system_info(cpu_topology)` tells them.

use purlin_term::{Heap, Term, am};
use std::collections::BTreeMap;
use std::path::Path;

/// Logical processors by processor and core.
type Topology = BTreeMap<u32, BTreeMap<u32, Vec<u32>>>;

/// `[{processor, ...}]`, or `undefined` where the system does not tell.
pub fn term(h: &mut Heap) -> Term {
    match read(Path::new("/sys/devices/system/cpu")) {
        Some(topology) => shape(h, &topology),
        None => am!("undefined"),
    }
}

fn read(dir: &Path) -> Option<Topology> {
    let mut all = Topology::new();
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(|n| n.strip_prefix("cpu")?.parse().ok()) else { continue };
        let number = |file: &str| {
            let text = std::fs::read_to_string(entry.path().join("topology").join(file)).ok()?;
            text.trim().parse().ok()
        };
        // One that is switched off has no topology.
        let (Some(processor), Some(core)) = (number("physical_package_id"), number("core_id")) else { continue };
        all.entry(processor).or_default().entry(core).or_default().push(id);
    }
    (!all.is_empty()).then_some(all)
}

fn shape(h: &mut Heap, all: &Topology) -> Term {
    let processors = all.values().map(|cores| {
        let cores = cores.values().map(|logical| {
            let mut ids = logical.clone();
            ids.sort_unstable();
            let mut each: Vec<Term> =
                ids.iter().map(|&id| h.tuple(&[am!("logical"), Term::small(id.into())])).collect();
            if let [one] = each[..] {
                return h.tuple(&[am!("core"), one]);
            }
            each.iter_mut().for_each(|t| *t = h.tuple(&[am!("thread"), *t]));
            let threads = h.list(&each);
            h.tuple(&[am!("core"), threads])
        });
        let cores: Vec<Term> = cores.collect();
        let cores = h.list(&cores);
        h.tuple(&[am!("processor"), cores])
    });
    let processors: Vec<Term> = processors.collect();
    h.list(&processors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_term::print::display;

    #[test]
    fn a_core_with_one_thread_names_it_directly() {
        let all = Topology::from([(0, BTreeMap::from([(0, vec![0]), (1, vec![3, 1])]))]);
        let mut h = Heap::new(0);
        let told = display(shape(&mut h, &all)).to_string();
        assert_eq!(told, "[{processor,[{core,{logical,0}},{core,[{thread,{logical,1}},{thread,{logical,3}}]}]}]");
    }
}
