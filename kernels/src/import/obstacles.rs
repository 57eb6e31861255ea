//! Obstacles: everything that keeps files from being a system, gathered so that a refusal names all of it at once.

use super::ImportError;
use super::xml::Element;

/// Obstacles that are told; more are counted.
const TOLD_MAX: usize = 50;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Obstacles {
    found: Vec<ImportError>,
    untold: usize,
}

impl Obstacles {
    /// Note one.
    pub(super) fn add(&mut self, obstacle: ImportError) {
        if self.found.len() < TOLD_MAX {
            self.found.push(obstacle);
        } else {
            self.untold += 1;
        }
    }

    /// A result's value; its error is noted.
    pub(super) fn take<T>(&mut self, result: Result<T, ImportError>) -> Option<T> {
        result.map_err(|obstacle| self.add(obstacle)).ok()
    }

    /// The entries of a list, read one by one: all must be elements of one name. Of entries that cannot be read, the first is noted, and how many more there are.
    pub(super) fn list<'a, T>(
        &mut self,
        list: Element<'a>,
        name: &str,
        mut read: impl FnMut(Element<'a>) -> Result<T, ImportError>,
    ) -> Vec<T> {
        let mut values = Vec::with_capacity(list.children().len());
        let mut first: Option<(usize, ImportError)> = None;
        let mut more = 0;
        for (index, entry) in list.children().enumerate() {
            let value = if entry.name() == name {
                read(entry)
            } else {
                Err(entry.refuse(format!("expected only <{name}> in <{}>", list.name())))
            };
            match value {
                Ok(value) => values.push(value),
                Err(error) if first.is_none() => first = Some((index, error)),
                Err(_) => more += 1,
            }
        }
        if let Some((index, error)) = first {
            let more = if more > 0 {
                format!(", and {more} more")
            } else {
                String::new()
            };
            self.add(error.with(&format!(" (entry {index} of <{}>{more})", list.name())));
        }
        values
    }

    /// Whether none was found.
    pub(super) fn none(&self) -> bool {
        self.found.is_empty()
    }

    /// Nothing, or all that was found.
    ///
    /// # Errors
    /// There are obstacles.
    pub(super) fn refuse(mut self) -> Result<(), ImportError> {
        match self.found.len() {
            0 => Ok(()),
            1 => Err(self.found.remove(0)),
            _ => Err(ImportError::Obstacles {
                obstacles: self.found,
                untold: self.untold,
            }),
        }
    }
}
