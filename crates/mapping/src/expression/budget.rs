//! What an evaluation could cost at most, reckoned from the tree and the actual values before it begins.
//!
//! The language itself has no budget (facts: libraries 6). But without loops in loops every step costs at most the
//! size of what it is given, so a bound can be told beforehand: in a loop it is a constant for each round plus a
//! multiple of the size of the element, and over all rounds the elements weigh as much as the list.

use std::ops::Add;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::Expression as Tree;
use serde_json::Value;

use super::error::Error;
use super::guard::path_of;
use super::library::{ADDEND, IN_ORDER, MATCHES};

/// What an evaluation may cost: values and bytes of text that are looked at, or made.
pub const MAX_COST: u64 = 1 << 24;
/// What may be made at any point, in the same unit.
pub const MAX_SIZE: u64 = 1 << 21;

/// Operators whose result is a number or a boolean, whatever they are given.
const SMALL: [&str; 19] = [
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NOT_STRICTLY_FALSE,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::IN,
    "size",
    "contains",
    "startsWith",
];
/// How much longer a function on text can make it: `upperAscii` and the like do not, `split` makes a value of each
/// letter.
const GROWTH: u64 = 3;
/// Steps that a pattern may take for each character.
const PATTERN: u64 = 16;
/// A number as text.
const NUMBER: u64 = 32;

/// Refuses an evaluation that could cost more than [`MAX_COST`] or make more than [`MAX_SIZE`].
pub(super) fn check(tree: &Tree, variables: &[(&str, &Value)]) -> Result<(), Error> {
    let reckoning = Reckoning { variables };
    let bound = reckoning.bound(tree, &[])?;
    if bound.cost.fixed > MAX_COST {
        return Err(Error::TooCostly);
    }
    Ok(())
}

/// An amount: fixed, plus so much for each unit of the size of a loop's element.
#[derive(Clone, Copy, Default)]
struct Amount {
    fixed: u64,
    each: u64,
}

impl Amount {
    const ELEMENT: Self = Self { fixed: 0, each: 1 };

    fn fixed(fixed: u64) -> Self {
        Self { fixed, each: 0 }
    }

    fn times(self, factor: u64) -> Self {
        Self {
            fixed: self.fixed.saturating_mul(factor),
            each: self.each.saturating_mul(factor),
        }
    }

    /// Over so many elements that weigh so much together.
    fn over(self, count: u64, size: u64) -> u64 {
        let fixed = self.fixed.saturating_mul(count);
        fixed.saturating_add(self.each.saturating_mul(size))
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            fixed: self.fixed.saturating_add(other.fixed),
            each: self.each.saturating_add(other.each),
        }
    }
}

/// At most how large a result is, how many elements it has, and what it takes to come to it.
#[derive(Clone, Copy, Default)]
struct Bound {
    size: Amount,
    count: Amount,
    cost: Amount,
}

impl Bound {
    /// Something small that costs a step.
    const STEP: Self = Self {
        size: Amount { fixed: 1, each: 0 },
        count: Amount { fixed: 0, each: 0 },
        cost: Amount { fixed: 1, each: 0 },
    };

    fn and(self, other: Self) -> Self {
        Self {
            size: self.size + other.size,
            count: self.count + other.count,
            cost: self.cost + other.cost,
        }
    }

    /// The result made anew: it costs its size.
    fn made(mut self) -> Result<Self, Error> {
        if self.size.fixed > MAX_SIZE {
            return Err(Error::TooCostly);
        }
        self.cost = self.cost + self.size;
        Ok(self)
    }
}

struct Reckoning<'v> {
    variables: &'v [(&'v str, &'v Value)],
}

impl Reckoning<'_> {
    /// The bound of a tree inside a loop with these variables, or outside of any.
    fn bound(&self, tree: &Tree, loops: &[&str]) -> Result<Bound, Error> {
        if let Some((root, path)) = path_of(tree) {
            return Ok(self.path(root, &path, loops));
        }
        match &tree.expr {
            Expr::Literal(LiteralValue::String(text)) => Ok(Bound {
                size: Amount::fixed(1 + text.inner().len() as u64),
                ..Bound::STEP
            }),
            Expr::Select(select) => self.bound(&select.operand, loops),
            Expr::Call(call) => self.call(call, loops),
            Expr::List(list) => {
                let mut sum = Bound::STEP;
                for element in &list.elements {
                    sum = sum.and(self.bound(element, loops)?);
                }
                sum.count = Amount::fixed(list.elements.len() as u64);
                sum.made()
            }
            Expr::Map(map) => {
                let mut sum = Bound::STEP;
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        sum = sum.and(self.bound(&entry.key, loops)?);
                        sum = sum.and(self.bound(&entry.value, loops)?);
                    }
                }
                sum.count = Amount::fixed(map.entries.len() as u64);
                sum.made()
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            _ => Ok(Bound::STEP),
        }
    }

    fn path(&self, root: &str, path: &[&str], loops: &[&str]) -> Bound {
        if loops.contains(&root) {
            // The first is the element; what is accumulated is reckoned as a whole.
            let element = loops.first() == Some(&root);
            let size = if element {
                Amount::ELEMENT
            } else {
                Amount::default()
            };
            return Bound {
                size,
                count: size,
                cost: Amount::fixed(1 + path.len() as u64),
            };
        }
        let mut variables = self.variables.iter();
        let value = variables.find_map(|(name, value)| (*name == root).then_some(*value));
        let value = path.iter().try_fold(value, |value, member| {
            value.map(|value| value.get(member)).ok_or(())
        });
        let value = value.ok().flatten();
        Bound {
            size: Amount::fixed(value.map_or(1, weight)),
            count: Amount::fixed(value.map_or(0, count)),
            cost: Amount::fixed(1 + path.len() as u64),
        }
    }

    fn call(&self, call: &CallExpr, loops: &[&str]) -> Result<Bound, Error> {
        let mut sum = Bound::STEP;
        let target = call.target.as_deref();
        for argument in target.into_iter().chain(&call.args) {
            sum = sum.and(self.bound(argument, loops)?);
        }
        match call.func_name.as_str() {
            name if SMALL.contains(&name) => Ok(Bound {
                size: Amount::fixed(1),
                count: Amount::default(),
                // Texts are searched and values compared from end to end.
                cost: sum.cost + sum.size,
            }),
            MATCHES => Ok(Bound {
                size: Amount::fixed(1),
                count: Amount::default(),
                cost: sum.cost + sum.size.times(PATTERN),
            }),
            operators::CONDITIONAL | operators::INDEX | ADDEND => Ok(sum),
            operators::ADD | IN_ORDER => sum.made(),
            _ => {
                sum.size = sum.size.times(GROWTH) + Amount::fixed(NUMBER);
                sum.count = sum.size;
                sum.made()
            }
        }
    }

    fn comprehension(&self, comprehension: &ComprehensionExpr) -> Result<Bound, Error> {
        let range = self.bound(&comprehension.iter_range, &[])?;
        let (count, size) = (range.count.fixed, range.size.fixed);
        let loops = [
            comprehension.iter_var.as_str(),
            comprehension.accu_var.as_str(),
        ];
        let step = self.bound(&comprehension.loop_step, &loops)?;
        let condition = self.bound(&comprehension.loop_cond, &loops)?;
        // Each element is bound to its name, a copy.
        let cost = (step.cost + condition.cost + Amount::ELEMENT).over(count, size);
        let made = Bound {
            size: Amount::fixed(step.size.over(count, size).saturating_add(1)),
            count: range.count,
            cost: range.cost + Amount::fixed(cost),
        };
        made.made()
    }
}

/// A value's weight: one for each value, and the bytes of its texts and names.
fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => 1 + text.len() as u64,
        Value::Array(items) => 1 + items.iter().map(weight).sum::<u64>(),
        Value::Object(members) => {
            let members = members.iter();
            1 + members
                .map(|(name, value)| name.len() as u64 + weight(value))
                .sum::<u64>()
        }
        _ => 1,
    }
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.len() as u64,
        Value::Object(members) => members.len() as u64,
        _ => 0,
    }
}
