//! Which actions are denied, and to whom; everything else is allowed.

/// The denials in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct Denials {
    list: Vec<Denial>,
}

#[derive(Debug, Clone)]
struct Denial {
    /// A user's or role's name or `root`; everybody where absent.
    principal: Option<String>,
    /// `iam:ListAccessKeys`; a `*` at the end stands for any ending.
    action: String,
}

impl Denials {
    pub(crate) fn add(&mut self, principal: Option<&str>, action: &str) {
        self.list.push(Denial {
            principal: principal.map(str::to_owned),
            action: action.to_owned(),
        });
    }

    /// Takes back all denials of exactly this action.
    pub(crate) fn remove(&mut self, action: &str) {
        self.list.retain(|denial| denial.action != action);
    }

    pub(crate) fn deny(&self, principal: &str, action: &str) -> bool {
        self.list
            .iter()
            .any(|denial| denial.covers(principal, action))
    }
}

impl Denial {
    fn covers(&self, principal: &str, action: &str) -> bool {
        let named = self
            .principal
            .as_ref()
            .is_none_or(|name| name.eq_ignore_ascii_case(principal));
        let covered = match self.action.strip_suffix('*') {
            Some(start) => action.starts_with(start),
            None => self.action == action,
        };
        named && covered
    }
}

#[cfg(test)]
mod tests {
    use super::Denials;

    #[test]
    fn a_denial_covers_its_action_and_its_principal() {
        let mut denials = Denials::default();
        denials.add(None, "iam:ListAccessKeys");
        denials.add(Some("Bob"), "iam:Delete*");
        assert!(denials.deny("Alice", "iam:ListAccessKeys"));
        assert!(denials.deny("bob", "iam:DeleteAccessKey"));
        assert!(!denials.deny("Alice", "iam:DeleteAccessKey"));
        denials.remove("iam:ListAccessKeys");
        assert!(!denials.deny("Alice", "iam:ListAccessKeys"));
    }
}
