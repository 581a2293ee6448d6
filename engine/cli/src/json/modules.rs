//! Objects in the tree of their modules.

use std::collections::BTreeMap;

use secstack_base::ModuleAddr;

use super::write::{Object, array};

/// The objects of a module instance and the module instances below it.
pub struct Tree<T> {
    items: Vec<T>,
    /// By the text of the address, which is the order of the documents.
    children: BTreeMap<String, (ModuleAddr, Tree<T>)>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Self { items: Vec::new(), children: BTreeMap::new() }
    }
}

impl<T> Tree<T> {
    /// The objects of a module instance.
    pub fn at(&mut self, module: &ModuleAddr) -> &mut Vec<T> {
        let mut here = self;
        for depth in 1..=module.0.len() {
            let addr = ModuleAddr(module.0[..depth].into());
            here = &mut here.children.entry(addr.to_string()).or_insert_with(|| (addr, Tree::default())).1;
        }
        &mut here.items
    }
}

/// Writes a module instance with what is below it.
pub fn write<T>(out: &mut String, addr: &ModuleAddr, tree: &Tree<T>, item: &dyn Fn(&mut String, &T)) {
    let mut o = Object::new(out);
    if !tree.items.is_empty() {
        array(o.member("resources"), &tree.items, item);
    }
    o.text_opt("address", Some(&addr.to_string()));
    if !tree.children.is_empty() {
        array(o.member("child_modules"), tree.children.values(), |out, (addr, tree)| write(out, addr, tree, item));
    }
    o.end();
}
