//! The manual of the functions and validations, made from their declarations so that it cannot drift.

use std::fmt::Write as _;

use super::{ALL, Declaration, Example, Kind, Parameter, Takes};
use crate::validation::{KINDS, KindDeclaration};

const INTRODUCTION: &str = "# Functions and validations of mappings

Made from the program by `make generate`; every example here is a test.

A rule's `transformation` is the name of a function, an object with `name` and its parameters, or a list of both that runs in
order. Absent, null and the empty text are three things: absent and null values pass through a function unless it says that it
sees them. Functions on text take numbers and booleans as JSON writes them, and a list value by value. What a function cannot
read is an error of the rule, never a guess.

";

const VALIDATIONS: &str = "
## Validations

A rule's `validation` is the name of a kind, or an object with `type` and what goes with it. Every kind takes `pattern` (a
regular expression as in JavaScript), `min_length` and `max_length`. Of a list every value is asked. Absent values are not
asked: `required` is for that.

| type | a value must be | goes with it | passes | does not |
| --- | --- | --- | --- | --- |
";

const PATTERNS: &str = "
A pattern means what JavaScript means by it: it may match anywhere in the text unless it is bound by `^` and `$`, `\\d` and `\\w` are
ASCII, and the lenient forms that browsers take are taken, such as `[\\w-\\.]`. It runs in time linear in the text, which may have
64 KiB; one that looks around or refers to its groups has a budget of 10,000 steps and 4 KiB of text.
";

/// The whole page, in Markdown.
pub fn manual() -> String {
    let mut page = INTRODUCTION.to_owned();
    line(
        &mut page,
        "| function | takes | gives | undone |\n| --- | --- | --- | --- |",
    );
    for function in ALL {
        line(&mut page, &summary(function));
    }
    for function in ALL {
        section(&mut page, function);
    }
    page.push_str(VALIDATIONS);
    for kind in KINDS {
        line(&mut page, &validation(kind));
    }
    page.push_str(PATTERNS);
    page
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("a string takes any text");
}

fn summary(function: &Declaration) -> String {
    let undone = if function.inverse.is_some() {
        "yes"
    } else {
        ""
    };
    format!(
        "| [`{0}`](#{0}) | {1} | {2} | {undone} |",
        function.name,
        kinds(function.input),
        function.output.as_str(),
    )
}

fn section(page: &mut String, function: &Declaration) {
    line(
        page,
        &format!("\n## {}\n\n{}", function.name, function.summary),
    );
    if function.sees_nulls {
        line(page, "\nIt is asked for absent and null values too.");
    }
    if !function.parameters.is_empty() {
        line(
            page,
            "\n| parameter | takes | default | |\n| --- | --- | --- | --- |",
        );
        for each in function.parameters {
            line(page, &parameter(each));
        }
    }
    if let Some(inverse) = function.inverse {
        line(page, &format!("\nUndone by {inverse}."));
    }
    line(
        page,
        "\n| parameters | value | result |\n| --- | --- | --- |",
    );
    for each in function.examples {
        line(page, &example(each));
    }
}

fn parameter(parameter: &Parameter) -> String {
    let takes = match parameter.takes {
        Takes::OneOf(words) => codes(words),
        Takes::Integer(least, most) => format!("a whole number from {least} to {most}"),
        Takes::Text(most) => format!("text of at most {most} characters"),
        other => other.as_str().to_owned(),
    };
    let default = match parameter.default {
        Some(default) => code(default),
        None if parameter.required => "must be given".to_owned(),
        None => String::new(),
    };
    format!(
        "| `{}` | {takes} | {default} | {} |",
        parameter.name, parameter.doc
    )
}

fn example(example: &Example) -> String {
    let absent = |json: &str| {
        if json.is_empty() {
            "absent".to_owned()
        } else {
            code(json)
        }
    };
    let parameters = if example.parameters == "{}" {
        String::new()
    } else {
        code(example.parameters)
    };
    let record = example
        .record
        .map_or_else(String::new, |record| format!(" of {}", code(record)));
    format!(
        "| {parameters} | {}{record} | {} |",
        absent(example.input),
        absent(example.output)
    )
}

fn validation(kind: &KindDeclaration) -> String {
    format!(
        "| `{}` | {} | {} | {} | {} |",
        kind.name,
        kind.must_be,
        codes(kind.members),
        codes(kind.good),
        codes(kind.bad),
    )
}

fn kinds(kinds: &[Kind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    words.join(", ")
}

fn codes(texts: &[&str]) -> String {
    let codes: Vec<String> = texts.iter().map(|text| code(text)).collect();
    codes.join(", ")
}

/// Text as code inside a cell of a table.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.contains('`') {
        return format!("`` {text} ``");
    }
    format!("`{text}`")
}
