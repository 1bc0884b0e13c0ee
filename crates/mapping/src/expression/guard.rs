//! What an expression must be before it is evaluated at all: short, shallow, and without a loop in a loop.

use std::sync::Arc;

use cel::ParseErrors;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};
use cel::parser::{Expression as Tree, Parser};

use super::library::{ADDEND, FUNCTIONS, IN_ORDER, MATCHES, TYPES, pattern_name};
use super::nesting::nesting;
use super::reads::Reads;
use crate::Fault;
use crate::pattern::Pattern;

/// Longest expression, in bytes.
pub const MAX_SOURCE: usize = 1_024;
/// Operators, dots, commas and opening brackets in one expression: as many levels as its tree could have.
pub const MAX_SIGNS: usize = 256;
/// Brackets inside one another: the parser goes far down its stack for each.
pub const MAX_NESTING: usize = 16;
/// Levels of an expression's tree; each is a step down the stack.
pub const MAX_DEPTH: usize = 40;
/// Levels of brackets and the like that the parser follows.
const PARSED_DEPTH: u16 = 32;
/// The stack that the parser gets, in bytes; only what it uses of it becomes memory.
const PARSER_STACK: usize = 16 << 20;

/// An expression that may be evaluated.
pub(super) struct Guarded {
    pub(super) tree: Tree,
    pub(super) reads: Vec<(String, Reads)>,
    pub(super) grows: bool,
    /// The patterns of its calls of matches(), by their number.
    pub(super) patterns: Vec<Arc<Pattern>>,
}

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("the expression is empty; write a condition such as `value > 10`")]
    Empty,
    #[error("an expression has at most {MAX_SOURCE} bytes")]
    TooLong,
    #[error("an expression has at most {MAX_SIGNS} operators, dots and brackets")]
    TooManySigns,
    #[error("brackets of an expression nest at most {MAX_NESTING} deep")]
    TooNested,
    #[error("an expression nests at most {MAX_DEPTH} levels deep; compare in fewer steps")]
    TooDeep,
    #[error("line {line}, character {column}: {message}")]
    Syntax {
        line: isize,
        column: isize,
        message: String,
    },
    #[error("the expression cannot be read")]
    Unreadable,
    #[error("no thread could be started to read the expression; try again")]
    NoThread,
    #[error("matches() takes one text and a pattern that is written out, as in name.matches('^A')")]
    Pattern,
    #[error("a pattern in an expression cannot look around or refer to its groups")]
    LookAround,
    #[error("a loop such as all(), map() or filter() cannot stand inside another; chain them")]
    NestedLoop,
    #[error(
        "messages such as `Name{{…}}` are not supported; write an object, as in {{'name': value}}"
    )]
    Message,
    #[error("{}", .0.detail)]
    Unknown(Fault),
}

impl Refusal {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Unknown(fault) => fault,
            other => Fault::new("", other.to_string()),
        }
    }
}

/// Parses an expression and walks its whole tree.
pub(super) fn parse(source: &str, known: Option<&[&str]>) -> Result<Guarded, Refusal> {
    if source.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if source.len() > MAX_SOURCE {
        return Err(Refusal::TooLong);
    }
    // Quoted signs count too: a scan that understood quotes otherwise than the parser would let some through.
    let signs = source.matches(|c: char| "+-*/%<>=!&|?:.,([{".contains(c));
    if signs.count() > MAX_SIGNS {
        return Err(Refusal::TooManySigns);
    }
    if nesting(source) > MAX_NESTING {
        return Err(Refusal::TooNested);
    }
    let mut tree = parsed(source)?;
    let mut walk = Walk {
        known,
        reads: Vec::new(),
        loops: Vec::new(),
        grows: false,
        patterns: Vec::new(),
    };
    walk.visit(&mut tree, 0)?;
    Ok(Guarded {
        tree,
        reads: walk.reads,
        grows: walk.grows,
        patterns: walk.patterns,
    })
}

/// Parses on a stack of its own: the parser of an unoptimised build takes 130 KiB of it for each bracket, and an
/// overflow would end the whole process.
fn parsed(source: &str) -> Result<Tree, Refusal> {
    let parse = || {
        let parser = Parser::new().max_recursion_depth(PARSED_DEPTH);
        parser.parse(source).map_err(syntax)
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(PARSER_STACK);
        let parsing = thread.spawn_scoped(scope, parse);
        let parsed = parsing.map_err(|_| Refusal::NoThread)?.join();
        parsed.unwrap_or(Err(Refusal::Unreadable))
    })
}

fn syntax(errors: ParseErrors) -> Refusal {
    let first = errors.errors.into_iter().next();
    let (line, column, message) = first.map_or_else(
        || (1, 0, "no expression".to_owned()),
        |error| (error.pos.0, error.pos.1, error.msg),
    );
    Refusal::Syntax {
        line: line.max(1),
        column: column + 1,
        message: crate::excerpt(&message).into_owned(),
    }
}

struct Walk<'k> {
    known: Option<&'k [&'k str]>,
    reads: Vec<(String, Reads)>,
    /// The variables of the loop that is being walked; its own accumulator is among them.
    loops: Vec<String>,
    grows: bool,
    patterns: Vec<Arc<Pattern>>,
}

impl Walk<'_> {
    fn visit(&mut self, tree: &mut Tree, depth: usize) -> Result<(), Refusal> {
        if depth > MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        if let Some((root, path)) = path_of(tree)
            && !self.loops.iter().any(|name| name == root)
        {
            return self.read(root, &path);
        }
        match &mut tree.expr {
            Expr::Literal(_) | Expr::Ident(_) => Ok(()),
            Expr::Select(select) => self.visit(&mut select.operand, depth + 1),
            Expr::Call(call) => self.call(call, depth + 1),
            Expr::List(list) => {
                self.grows = true;
                let mut elements = list.elements.iter_mut();
                elements.try_for_each(|element| self.visit(element, depth + 1))
            }
            Expr::Map(map) => {
                self.grows = true;
                map.entries
                    .iter_mut()
                    .try_for_each(|entry| match &mut entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.visit(&mut entry.key, depth + 1)?;
                            self.visit(&mut entry.value, depth + 1)
                        }
                        EntryExpr::StructField(_) => Err(Refusal::Message),
                    })
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, depth + 1),
            Expr::Struct(_) | Expr::Unspecified => Err(Refusal::Message),
        }
    }

    fn read(&mut self, root: &str, path: &[&str]) -> Result<(), Refusal> {
        if path.is_empty() && TYPES.contains(&root) {
            return Ok(());
        }
        if let Some(known) = self.known
            && !known.contains(&root)
        {
            let fault = Fault::unknown("", "no variable here", root, known.iter().copied());
            return Err(Refusal::Unknown(fault));
        }
        let at = self.reads.iter().position(|(name, _)| name == root);
        let at = at.unwrap_or_else(|| {
            self.reads.push((root.to_owned(), Reads::default()));
            self.reads.len() - 1
        });
        self.reads[at].1.add(path);
        Ok(())
    }

    fn call(&mut self, call: &mut CallExpr, depth: usize) -> Result<(), Refusal> {
        let name = call.func_name.as_str();
        let operator = name.contains(['_', '@']);
        if !operator && !FUNCTIONS.contains(&name) {
            let fault = Fault::unknown("", "no function here", name, FUNCTIONS.iter().copied());
            return Err(Refusal::Unknown(fault));
        }
        self.grows |= name == operators::ADD || !operator;
        if call.func_name == "matches" {
            return self.matches(call, depth);
        }
        if let Some(target) = &mut call.target {
            self.visit(target, depth)?;
        }
        let mut arguments = call.args.iter_mut();
        arguments.try_for_each(|argument| self.visit(argument, depth))?;
        if call.func_name == operators::ADD
            && let Some(added) = call.args.last_mut()
            && !matches!(added.expr, Expr::Literal(_) | Expr::List(_))
        {
            pass_through(ADDEND, added);
        }
        Ok(())
    }

    /// `text.matches('pattern')` calls the pattern, compiled once, as it is meant in JavaScript.
    fn matches(&mut self, call: &mut CallExpr, depth: usize) -> Result<(), Refusal> {
        let pattern = match call.args.last().map(|last| &last.expr) {
            Some(Expr::Literal(LiteralValue::String(source))) => Pattern::compile(source.inner()),
            _ => return Err(Refusal::Pattern),
        };
        let pattern = pattern.map_err(Refusal::Unknown)?;
        if !pattern.is_linear() {
            return Err(Refusal::LookAround);
        }
        call.args.pop();
        call.args.extend(call.target.take().map(|target| *target));
        let [text] = call.args.as_mut_slice() else {
            return Err(Refusal::Pattern);
        };
        self.visit(text, depth)?;
        let name = Expr::Ident(pattern_name(self.patterns.len()));
        self.patterns.push(Arc::new(pattern));
        call.args.push(Tree { id: 0, expr: name });
        MATCHES.clone_into(&mut call.func_name);
        Ok(())
    }

    fn comprehension(
        &mut self,
        comprehension: &mut ComprehensionExpr,
        depth: usize,
    ) -> Result<(), Refusal> {
        self.visit(&mut comprehension.iter_range, depth)?;
        if !self.loops.is_empty() {
            return Err(Refusal::NestedLoop);
        }
        self.grows = true;
        self.loops.push(comprehension.iter_var.clone());
        self.loops.extend(comprehension.iter_var2.clone());
        self.loops.push(comprehension.accu_var.clone());
        self.visit(&mut comprehension.accu_init, depth)?;
        self.visit(&mut comprehension.loop_cond, depth)?;
        self.visit(&mut comprehension.loop_step, depth)?;
        self.visit(&mut comprehension.result, depth)?;
        self.loops.clear();
        // The keys of an object come in no particular order unless they are put into one.
        pass_through(IN_ORDER, &mut comprehension.iter_range);
        Ok(())
    }
}

/// Puts a call of `function` around a tree.
fn pass_through(function: &str, tree: &mut Tree) {
    let inner = std::mem::take(tree);
    *tree = Tree {
        id: inner.id,
        expr: Expr::Call(CallExpr {
            func_name: function.to_owned(),
            target: None,
            args: vec![inner],
        }),
    };
}

/// The variable and the member names, for a tree that only selects: `a.b`, `a['b']`, `has(a.b)`.
pub(super) fn path_of(tree: &Tree) -> Option<(&str, Vec<&str>)> {
    match &tree.expr {
        Expr::Ident(name) => Some((name.strip_prefix('.').unwrap_or(name), Vec::new())),
        Expr::Select(select) => {
            let (root, mut path) = path_of(&select.operand)?;
            path.push(&select.field);
            Some((root, path))
        }
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [of, index] = call.args.as_slice() else {
                return None;
            };
            let Expr::Literal(LiteralValue::String(member)) = &index.expr else {
                return None;
            };
            let (root, mut path) = path_of(of)?;
            path.push(member.inner());
            Some((root, path))
        }
        _ => None,
    }
}
