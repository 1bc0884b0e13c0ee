//! The form of what comes out: every target in its place, known before the first record.

use std::mem;

use serde_json::{Map, Value};

use crate::rules::{Step, Steps};

/// Highest position that a target may name: what lies between is not filled up.
pub const MAX_INDEX: i32 = 999;
/// Steps that a target may have.
pub const MAX_DEPTH: usize = 32;

/// A tree whose leaves are the cells that rules write.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout(Node);

#[derive(Clone, Debug, Default)]
enum Node {
    /// Nothing stands here yet.
    #[default]
    Free,
    /// What the cell of this number holds.
    Cell(usize),
    /// An object; members that hold nothing are left out.
    Object(Vec<(String, Node)>),
    /// An array by position; positions that hold nothing are left out.
    Array(Vec<(i32, Node)>),
    /// An array with one item for each that the cells below have.
    Items(Box<Node>, Vec<usize>),
}

/// What a rule has written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell {
    /// Nothing: the target is left out.
    #[default]
    Empty,
    /// A value.
    One(Value),
    /// A value, or nothing, for each item.
    Items(Vec<Cell>),
}

/// Why a target has no place beside the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// The same target.
    Same(usize),
    /// One stands inside what the other writes as a whole.
    Inside(usize),
    /// Both want another kind of thing in the same place: names here, positions or `[*]` there.
    Kind(usize),
}

impl Layout {
    /// Gives the cell its place.
    pub(super) fn place(&mut self, target: &Steps, cell: usize) -> Result<(), Clash> {
        insert(&mut self.0, target.steps(), cell)
    }

    /// The record that the cells make; an empty object if all are empty. Takes what the cells hold.
    pub(super) fn build(&self, cells: &mut [Cell]) -> Value {
        let built = build(&self.0, cells, &mut Vec::new());
        built.unwrap_or_else(|| Value::Object(Map::new()))
    }
}

fn insert(node: &mut Node, steps: &[Step], cell: usize) -> Result<(), Clash> {
    let Some((step, rest)) = steps.split_first() else {
        return match node {
            Node::Free => {
                *node = Node::Cell(cell);
                Ok(())
            }
            Node::Cell(other) => Err(Clash::Same(*other)),
            taken => Err(Clash::Inside(first_cell(taken))),
        };
    };
    if matches!(node, Node::Free) {
        *node = match step {
            Step::Name(_) => Node::Object(Vec::new()),
            Step::Index(_) => Node::Array(Vec::new()),
            Step::Each => Node::Items(Box::default(), Vec::new()),
        };
    }
    match (node, step) {
        (Node::Object(members), Step::Name(name)) => insert(child(members, name), rest, cell),
        (Node::Array(items), Step::Index(index)) => insert(child(items, index), rest, cell),
        (Node::Items(item, cells), Step::Each) => {
            cells.push(cell);
            insert(item, rest, cell)
        }
        (Node::Cell(other), _) => Err(Clash::Inside(*other)),
        (taken, _) => Err(Clash::Kind(first_cell(taken))),
    }
}

fn child<'n, K: PartialEq + Clone>(children: &'n mut Vec<(K, Node)>, key: &K) -> &'n mut Node {
    let found = children.iter().position(|(known, _)| known == key);
    let number = found.unwrap_or_else(|| {
        children.push((key.clone(), Node::Free));
        children.len() - 1
    });
    &mut children[number].1
}

fn first_cell(node: &Node) -> usize {
    match node {
        Node::Free => 0,
        Node::Cell(cell) => *cell,
        Node::Object(members) => members.first().map_or(0, |(_, node)| first_cell(node)),
        Node::Array(items) => items.first().map_or(0, |(_, node)| first_cell(node)),
        Node::Items(item, _) => first_cell(item),
    }
}

fn build(node: &Node, cells: &mut [Cell], at: &mut Vec<usize>) -> Option<Value> {
    match node {
        Node::Free => None,
        Node::Cell(cell) => take(&mut cells[*cell], at),
        Node::Object(members) => {
            let mut object = Map::with_capacity(members.len());
            for (name, node) in members {
                if let Some(value) = build(node, cells, at) {
                    object.insert(name.clone(), value);
                }
            }
            (!object.is_empty()).then_some(Value::Object(object))
        }
        Node::Array(items) => {
            let mut built: Vec<(i32, Value)> = Vec::with_capacity(items.len());
            for (index, node) in items {
                built.extend(build(node, cells, at).map(|value| (*index, value)));
            }
            built.sort_by_key(|(index, _)| *index);
            let array: Vec<Value> = built.into_iter().map(|(_, value)| value).collect();
            (!array.is_empty()).then_some(Value::Array(array))
        }
        Node::Items(item, below) => {
            let lengths = below.iter().map(|cell| length(&cells[*cell], at));
            let length = lengths.max().flatten()?;
            let mut array = Vec::with_capacity(length);
            for number in 0..length {
                at.push(number);
                array.extend(build(item, cells, at));
                at.pop();
            }
            Some(Value::Array(array))
        }
    }
}

/// Takes what the cell holds at this place.
fn take(cell: &mut Cell, at: &[usize]) -> Option<Value> {
    match (cell, at) {
        (Cell::Items(items), [number, rest @ ..]) => take(items.get_mut(*number)?, rest),
        (cell @ Cell::One(_), []) => match mem::take(cell) {
            Cell::One(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// How many items the cell has at this place; `None` if it has no list there.
fn length(cell: &Cell, at: &[usize]) -> Option<usize> {
    match (cell, at) {
        (Cell::Items(items), []) => Some(items.len()),
        (Cell::Items(items), [number, rest @ ..]) => length(items.get(*number)?, rest),
        _ => None,
    }
}

impl Cell {
    /// Puts a value, or nothing, at the place that `at` names.
    pub(super) fn put(&mut self, at: &[usize], value: Option<Value>) {
        let Some((number, rest)) = at.split_first() else {
            if let Some(value) = value {
                *self = Self::One(value);
            }
            return;
        };
        self.item(*number).put(rest, value);
    }

    /// Says that there is a list at the place that `at` names, perhaps an empty one.
    pub(super) fn open(&mut self, at: &[usize]) {
        match at.split_first() {
            Some((number, rest)) => self.item(*number).open(rest),
            None if matches!(self, Self::Items(_)) => {}
            None => *self = Self::Items(Vec::new()),
        }
    }

    /// The item of this number, made if it is not there yet.
    fn item(&mut self, number: usize) -> &mut Self {
        if !matches!(self, Self::Items(_)) {
            *self = Self::Items(Vec::new());
        }
        let Self::Items(items) = self else {
            return self;
        };
        while items.len() <= number {
            items.push(Self::Empty);
        }
        &mut items[number]
    }

    /// The value, if it is one.
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Self::One(value) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::path::Path;

    fn steps(text: &str) -> Steps {
        Steps::of(&Path::parse(text).expect(text)).expect(text)
    }

    fn layout(targets: &[&str]) -> Layout {
        let mut layout = Layout::default();
        for (cell, target) in targets.iter().enumerate() {
            layout.place(&steps(target), cell).expect(target);
        }
        layout
    }

    fn one(value: Value) -> Cell {
        Cell::One(value)
    }

    #[test]
    fn builds_objects_and_arrays() {
        let rows: &[(&[&str], Vec<Cell>, Value)] = &[
            (
                &["a", "b.c"],
                vec![one(json!(1)), one(Value::Null)],
                json!({"a": 1, "b": {"c": null}}),
            ),
            (&["a", "b.c"], vec![Cell::Empty, Cell::Empty], json!({})),
            (
                &["b.c.d", "b.e"],
                vec![Cell::Empty, one(json!(2))],
                json!({"b": {"e": 2}}),
            ),
            (
                &["m[1].v", "m[0].v"],
                vec![one(json!("b")), one(json!("a"))],
                json!({"m": [{"v": "a"}, {"v": "b"}]}),
            ),
            (
                &["m[5]", "m[0]"],
                vec![one(json!("b")), Cell::Empty],
                json!({"m": ["b"]}),
            ),
            (
                &["$[0]", "$[1]"],
                vec![one(json!(1)), one(json!(2))],
                json!([1, 2]),
            ),
            (&["$"], vec![one(json!([1]))], json!([1])),
            (
                &["l[*].a", "l[*].b"],
                vec![
                    Cell::Items(vec![one(json!(1)), one(json!(2))]),
                    Cell::Items(vec![Cell::Empty, one(json!("y")), one(json!("z"))]),
                ],
                json!({"l": [{"a": 1}, {"a": 2, "b": "y"}, {"b": "z"}]}),
            ),
            (&["l[*]"], vec![Cell::Items(vec![])], json!({"l": []})),
            (
                &["l[*]"],
                vec![Cell::Items(vec![one(json!(1)), Cell::Empty, one(json!(3))])],
                json!({"l": [1, 3]}),
            ),
            (
                &["l[*].p[*]"],
                vec![Cell::Items(vec![
                    Cell::Items(vec![one(json!(1)), one(json!(2))]),
                    Cell::Items(vec![one(json!(3))]),
                ])],
                json!({"l": [{"p": [1, 2]}, {"p": [3]}]}),
            ),
        ];
        for (targets, cells, expected) in rows {
            let built = layout(targets).build(&mut cells.clone());
            assert_eq!(built, *expected, "{targets:?}");
        }
    }

    #[test]
    fn what_has_no_place_clashes() {
        let rows = [
            ("a", "a", Clash::Same(0)),
            ("a.b", "a", Clash::Inside(0)),
            ("a", "a.b", Clash::Inside(0)),
            ("a[0]", "a.b", Clash::Kind(0)),
            ("a[*]", "a[0]", Clash::Kind(0)),
            ("a[*].b", "a[*].b", Clash::Same(0)),
            ("a[*].b", "a[*]", Clash::Inside(0)),
            ("$", "a", Clash::Inside(0)),
        ];
        for (first, second, expected) in rows {
            let clash = layout(&[first]).place(&steps(second), 1);
            assert_eq!(clash, Err(expected), "{first} and {second}");
        }
        assert_eq!(layout(&["a.b"]).place(&steps("a.c"), 1), Ok(()));
    }

    #[test]
    fn cells_fill_up() {
        let mut cell = Cell::Empty;
        cell.put(&[1, 0], Some(json!(5)));
        cell.put(&[0], None);
        let inner = Cell::Items(vec![one(json!(5))]);
        assert_eq!(cell, Cell::Items(vec![Cell::Empty, inner]));
    }
}
