//! Pages of lists: newest first, continued from the id of the last item that was seen.

/// The most items on one page.
pub const MAX_LIMIT: usize = 100;

/// Sorts after every id: no prefix of an id begins with `z`.
pub(crate) const AFTER_EVERY_ID: &str = "zzzz";

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// How many items: 1 to [`MAX_LIMIT`]; anything else is moved to the nearer end.
    pub limit: usize,
    /// The [`Page::next`] of the page before; the beginning of the list if absent.
    pub after: Option<String>,
}

impl PageRequest {
    /// The first `limit` items.
    pub fn first(limit: usize) -> Self {
        Self { limit, after: None }
    }

    /// The id below which the page begins.
    pub(crate) fn below(&self) -> &str {
        self.after.as_deref().unwrap_or(AFTER_EVERY_ID)
    }

    /// How many rows to read: one more than fit, to see whether more follow.
    pub(crate) fn rows(&self) -> usize {
        self.size() + 1
    }

    fn size(&self) -> usize {
        self.limit.clamp(1, MAX_LIMIT)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, the newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page that `request` asked for, from the rows that were read for it.
    pub(crate) fn cut<Id: ToString>(
        mut items: Vec<T>,
        request: &PageRequest,
        id: impl Fn(&T) -> Id,
    ) -> Self {
        let more = items.len() > request.size();
        items.truncate(request.size());
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| id(last).to_string());
        Self { items, next }
    }

    /// The same page of something else.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(view).collect(),
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_what_fits_and_says_whether_more_follows() {
        let rows = [
            // (asked for, rows there are, items on the page, more)
            (0, 2, 1, true),
            (2, 2, 2, false),
            (2, 3, 2, true),
            (2, 0, 0, false),
            (usize::MAX, 101, 100, true),
        ];
        for (limit, there, held, more) in rows {
            let request = PageRequest::first(limit);
            let read = (0..there).take(request.rows()).collect();
            let page = Page::cut(read, &request, |item: &i32| *item);
            assert_eq!(
                (page.items.len(), page.next.is_some()),
                (held, more),
                "{limit} {there}"
            );
        }
    }
}
