//! The denied actions and the principals they are denied to. Everything else is allowed.

#[derive(Debug, Clone, Default)]
pub(crate) struct Denials {
    list: Vec<Denial>,
}

#[derive(Debug, Clone)]
struct Denial {
    /// The name of a user or a role, or `root`. `None` means everyone.
    principal: Option<String>,
    /// `iam:ListAccessKeys`, for example. A trailing `*` matches any suffix.
    action: String,
    /// Users under this path are exempt.
    allowed_path: Option<String>,
}

impl Denials {
    pub(crate) fn add(&mut self, principal: Option<&str>, action: &str) {
        self.list.push(Denial {
            principal: principal.map(str::to_owned),
            action: action.to_owned(),
            allowed_path: None,
        });
    }

    /// Denies an action to everyone, except on users under this path.
    pub(crate) fn add_outside(&mut self, path: &str, action: &str) {
        self.list.push(Denial {
            principal: None,
            action: action.to_owned(),
            allowed_path: Some(path.to_owned()),
        });
    }

    /// Removes all denials of exactly this action.
    pub(crate) fn remove(&mut self, action: &str) {
        self.list.retain(|denial| denial.action != action);
    }

    /// Whether an action is denied. `path` is the path of the affected user, or the requested path.
    pub(crate) fn deny(&self, principal: &str, action: &str, path: Option<&str>) -> bool {
        self.list
            .iter()
            .any(|denial| denial.covers(principal, action) && !denial.allows_on(path))
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

    fn allows_on(&self, path: Option<&str>) -> bool {
        let allowed = self.allowed_path.as_deref();
        allowed.is_some_and(|allowed| path.is_some_and(|path| path.starts_with(allowed)))
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
        let deny = |denials: &Denials, principal: &str, action: &str| {
            denials.deny(principal, action, Some("/ci/"))
        };
        assert!(deny(&denials, "Alice", "iam:ListAccessKeys"));
        assert!(deny(&denials, "bob", "iam:DeleteAccessKey"));
        assert!(!deny(&denials, "Alice", "iam:DeleteAccessKey"));
        denials.remove("iam:ListAccessKeys");
        assert!(!deny(&denials, "Alice", "iam:ListAccessKeys"));
    }

    #[test]
    fn a_denial_can_exempt_a_path() {
        let mut denials = Denials::default();
        denials.add_outside("/ci/", "iam:ListUsers");
        for (path, expected) in [
            (Some("/ci/"), false),
            (Some("/ci/x/"), false),
            (Some("/"), true),
            (Some("/cix/"), true),
            (None, true),
        ] {
            let denied = denials.deny("Alice", "iam:ListUsers", path);
            assert_eq!(denied, expected, "{path:?}");
        }
    }
}
