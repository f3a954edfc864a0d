//! The requirements of roles' trust policies, and the codes of MFA devices.

use crate::failure::Failure;
use std::collections::HashMap;

/// The trust policies of roles. A role that is not listed has no requirements.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trusts {
    roles: HashMap<String, Requirements>,
    /// The unused codes of each device, by serial number.
    codes: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Default)]
struct Requirements {
    external_id: Option<String>,
    mfa: bool,
}

/// The parameters of a request to assume a role that trust policies check.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) external_id: Option<&'a str>,
    pub(crate) serial_number: Option<&'a str>,
    pub(crate) token_code: Option<&'a str>,
}

impl Trusts {
    pub(crate) fn require_external_id(&mut self, role: &str, id: &str) {
        self.role(role).external_id = Some(id.to_owned());
    }

    pub(crate) fn require_mfa(&mut self, role: &str) {
        self.role(role).mfa = true;
    }

    pub(crate) fn add_codes(&mut self, serial: &str, codes: &[&str]) {
        let known = self.codes.entry(serial.to_owned()).or_default();
        known.extend(codes.iter().map(|code| (*code).to_owned()));
    }

    /// Checks whether the role can be assumed. Consumes the code.
    pub(crate) fn check(
        &mut self,
        role: &str,
        shown: &Shown<'_>,
        denied: Failure,
    ) -> Result<(), Failure> {
        let has_mfa = match (shown.serial_number, shown.token_code) {
            (None, None) => false,
            (Some(serial), Some(code)) => {
                let codes = self
                    .codes
                    .get_mut(serial)
                    .ok_or_else(Failure::unknown_device)?;
                let at = codes.iter().position(|known| known == code);
                codes.remove(at.ok_or_else(Failure::wrong_code)?);
                true
            }
            _ => return Err(Failure::half_of_mfa()),
        };
        let requirements = self.roles.get(role).cloned().unwrap_or_default();
        let is_known = requirements
            .external_id
            .is_none_or(|id| shown.external_id == Some(&id));
        if is_known && (has_mfa || !requirements.mfa) {
            Ok(())
        } else {
            Err(denied)
        }
    }

    fn role(&mut self, name: &str) -> &mut Requirements {
        self.roles.entry(name.to_owned()).or_default()
    }
}
