//! Names of accounts for a log line.

use crate::escape::visible;

/// The most names in a line.
const MAX_NAMES: usize = 10;

/// The first names of a list, and how many there are.
#[derive(Debug, Default)]
pub(super) struct NameList {
    first: Vec<String>,
    count: usize,
}

impl NameList {
    pub(super) fn push(&mut self, name: &str) {
        if self.count < MAX_NAMES {
            // The owner of a member account chooses its name.
            self.first.push(visible(name).into_owned());
        }
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Returns the first names, and how many more there are. `None` for an empty list.
    pub(super) fn names(&self) -> Option<String> {
        let names = self.first.join(", ");
        match self.count - self.first.len() {
            0 => (self.count > 0).then_some(names),
            more => Some(format!("{names} and {more} more")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Option<String> {
        let mut list = NameList::default();
        (0..count).for_each(|number| list.push(&format!("a{number}")));
        assert_eq!(list.len(), count);
        list.names()
    }

    #[test]
    fn a_thousand_names_are_ten_and_a_count() {
        assert_eq!(names(0), None);
        assert_eq!(names(2).unwrap(), "a0, a1");
        let ten = "a0, a1, a2, a3, a4, a5, a6, a7, a8, a9";
        assert_eq!(names(10).unwrap(), ten);
        assert_eq!(names(1_000).unwrap(), format!("{ten} and 990 more"));
    }
}
