//! The words of a field's name, and which words mean the same.

use std::collections::{BTreeSet, HashMap};

/// Words that mean the same in the names of fields. The first of each group stands for it.
const SYNONYMS: &[&[&str]] = &[
    &["email", "mail", "emailaddress"],
    &["phone", "telephone", "tel", "fon", "phonenumber"],
    &["mobile", "cell", "cellphone", "handy"],
    &[
        "company",
        "organization",
        "organisation",
        "org",
        "account",
        "employer",
        "firm",
        "business",
    ],
    &["first", "given", "fore", "christian"],
    &["last", "family", "sur"],
    &[
        "person",
        "contact",
        "lead",
        "customer",
        "client",
        "user",
        "requester",
    ],
    &["postal", "zip", "postcode", "plz"],
    &["city", "town", "locality"],
    &["region", "province", "county"],
    &["country", "nation"],
    &["street", "road"],
    &["job", "position", "role", "occupation"],
    &[
        "description",
        "content",
        "body",
        "details",
        "detail",
        "text",
        "message",
    ],
    &["note", "notes", "comment", "comments", "remark", "remarks"],
    &["subject", "topic", "headline", "summary"],
    &["priority", "urgency", "severity"],
    &["status", "state", "stage", "phase"],
    &[
        "url", "website", "web", "link", "homepage", "site", "page", "uri",
    ],
    &["domain", "host"],
    &["created", "creation", "added", "inserted"],
    &["updated", "modified", "changed", "edited", "lastmodified"],
    &["date", "day", "on"],
    &["time", "datetime", "timestamp", "at"],
    &["count", "number", "num", "no", "nr", "quantity", "qty"],
    &["amount", "total", "sum", "value", "price"],
    &["employees", "employee", "headcount", "staff"],
    &["revenue", "turnover", "sales"],
    &["owner", "assignee", "agent", "responsible"],
    &["category", "type", "kind"],
    &["tags", "tag", "labels", "label", "keywords"],
    &["language", "locale", "lang"],
    &["id", "identifier", "key", "uid", "uuid"],
    &["birth", "born"],
    &["gender", "sex"],
    &["linkedin", "li"],
];

/// Words that are written together in names but mean something apart (`firstname`), beside the synonyms.
const PARTS: &[&str] = &[
    "name", "title", "address", "code", "industry", "source", "lead", "score", "life", "cycle",
    "external", "full", "middle", "nick", "user", "currency", "close", "due", "size", "year", "of",
    "due", "open", "fax", "annual",
];

/// Words that say nothing of what a field holds.
const EMPTY: &[&str] = &[
    "hs", "c", "the", "of", "a", "custom", "field", "cf", "my", "our", "sf", "crm", "r",
];

/// The words met so far, by number: comparing numbers is what makes thousands of fields comparable.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(HashMap<String, u32>);

/// What a name is made of: the numbers of its words, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<u32>);

impl Vocabulary {
    /// The words of `name`, those that are new taken in.
    pub(super) fn read(&mut self, name: &str) -> Words {
        let numbers = words(name).into_iter().map(|word| {
            let next = self.0.len() as u32;
            *self.0.entry(word).or_insert(next)
        });
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        Words(numbers)
    }
}

impl Words {
    /// What share of the words of both is in both (Dice's coefficient), in percent.
    pub(super) fn likeness(&self, other: &Self) -> u8 {
        let all = self.0.len() + other.0.len();
        if all == 0 {
            return 0;
        }
        let both = self.0.iter().filter(|word| other.0.contains(word)).count();
        u8::try_from(200 * both / all).unwrap_or(100)
    }
}

/// The words of `name`, each as the first of its synonyms: parted at signs, at digits and at capital letters, and
/// where two known words meet. The object in front of a dot (`contact.email`) says where a field is, not what it is.
fn words(name: &str) -> BTreeSet<String> {
    let own = name.rsplit('.').next().unwrap_or(name);
    split(own)
        .into_iter()
        .flat_map(|word| apart(&word).unwrap_or_else(|| vec![word]))
        .filter(|word| !EMPTY.contains(&word.as_str()))
        .map(|word| meaning(&word).to_owned())
        .collect()
}

/// The words in small letters.
fn split(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().take(200).collect();
    for (number, letter) in letters.iter().enumerate() {
        let before = number.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(number + 1);
        let begins = letter.is_uppercase()
            && (before.is_some_and(|c| !c.is_uppercase())
                || after.is_some_and(|c| c.is_lowercase()));
        let changes = before.is_some_and(|c| c.is_alphabetic() != letter.is_alphabetic());
        if begins || changes {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The known words that a word is made of, if it is made of known words only.
fn apart(word: &str) -> Option<Vec<String>> {
    if word.is_empty() || is_known(word) || !word.is_ascii() {
        return None;
    }
    apart_from(word, 4)
}

/// The fewest known words, the longest first, `most` of them at most.
fn apart_from(rest: &str, most: usize) -> Option<Vec<String>> {
    if rest.is_empty() {
        return Some(Vec::new());
    }
    if most == 0 {
        return None;
    }
    (2..=rest.len())
        .rev()
        .filter(|end| is_known(&rest[..*end]))
        .find_map(|end| {
            let mut words = apart_from(&rest[end..], most - 1)?;
            words.insert(0, rest[..end].to_owned());
            Some(words)
        })
}

fn is_known(word: &str) -> bool {
    PARTS.contains(&word) || SYNONYMS.iter().any(|group| group.contains(&word))
}

/// The word that stands for all that mean the same.
fn meaning(word: &str) -> &str {
    let group = SYNONYMS.iter().find(|group| group.contains(&word));
    group.map_or(word, |group| group[0])
}

#[cfg(test)]
mod tests {
    use super::{Vocabulary, words};

    #[test]
    fn names_fall_into_words() {
        let rows = [
            ("FirstName", "first name"),
            ("firstname", "first name"),
            ("first_name", "first name"),
            ("givenName", "first name"),
            ("contact.first_name", "first name"),
            ("surname", "last name"),
            ("EmailAddress", "address email"),
            ("e-mail", "e email"),
            ("hs_ticket_priority", "priority ticket"),
            ("numberofemployees", "count employees"),
            ("NumberOfEmployees", "count employees"),
            ("HTTPStatus2", "2 http status"),
            ("ZipCode", "code postal"),
            ("Custom_Field__c", ""),
            ("größe", "größe"),
            ("", ""),
        ];
        for (name, expected) in rows {
            let words: Vec<String> = words(name).into_iter().collect();
            assert_eq!(words.join(" "), expected, "{name}");
        }
    }

    #[test]
    fn likeness_is_the_share_of_words() {
        let rows = [
            ("FirstName", "given_name", 100),
            ("first_name", "name", 66),
            ("email", "work_email", 66),
            ("email", "phone", 0),
            ("", "", 0),
        ];
        let mut vocabulary = Vocabulary::default();
        for (left, right, expected) in rows {
            let (a, b) = (vocabulary.read(left), vocabulary.read(right));
            assert_eq!(
                (a.likeness(&b), b.likeness(&a)),
                (expected, expected),
                "{left} {right}"
            );
        }
    }
}
