//! The certificate by which the appliance shows on the network that it is itself.
//!
//! One is made the first time and kept: nobody outside the shop has to vouch for it, and a browser asks once whether to trust it. What it shows of the
//! certificate then is the fingerprint that the appliance shows too. A shop with an authority of its own configures a certificate of that.
//!
//! **Source** RFC 8446 (TLS 1.3), RFC 5280 (certificates).

use clothingid_shared::files::{self, FileError};
use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates and keys are pages of text.
const MOST_BYTES: u64 = 1 << 20;

/// The shop's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The chain in PEM, its own first.
    pub certificate: PathBuf,
    /// The key in PEM.
    pub key: PathBuf,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

/// There is none.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file is not what it should be.
    #[error("`{}` holds no {what} in PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("the certificate `{}` cannot be used with its key", path.display())]
    Unfit {
        /// The certificate.
        path: PathBuf,
        /// Why.
        source: tokio_rustls::rustls::Error,
    },
    /// None can be made.
    #[error("no certificate can be made")]
    Make(#[from] rcgen::Error),
}

impl IdentityError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Pem { path, .. } | Self::Unfit { path, .. } => Some(format!(
                "mend `{}` and the file beside it, or remove both of a kept one: another is made then, and browsers ask again whether to trust it",
                path.display()
            )),
            Self::File(_) | Self::Make(_) => None,
        }
    }
}

/// Whether one is kept in this folder.
#[must_use]
pub fn is_kept_in(folder: &Path) -> bool {
    folder.join("certificate.pem").exists() && folder.join("key.pem").exists()
}

impl Identity {
    /// The one that is kept in this folder; the first time one is made for these names.
    ///
    /// # Errors
    /// [`IdentityError`]; a damaged one is not replaced by itself, since every phone would have to trust another one.
    pub fn kept_in(folder: &Path, names: &[String]) -> Result<Self, IdentityError> {
        let own = Own { certificate: folder.join("certificate.pem"), key: folder.join("key.pem") };
        // The certificate is written last: without it nothing was ever shown to a browser.
        if !own.certificate.exists() {
            let key = KeyPair::generate()?;
            let mut about = CertificateParams::new(names)?;
            about.distinguished_name.push(DnType::CommonName, "ClothingID");
            // Boards without a clock's battery start in any year: the certificate holds in all of them.
            about.not_before = rcgen::date_time_ymd(1970, 1, 1);
            about.not_after = rcgen::date_time_ymd(2049, 12, 31);
            let certificate = about.self_signed(&key)?;
            files::write_private(&own.key, key.serialize_pem().as_bytes())?;
            files::write_atomic(&own.certificate, certificate.pem().as_bytes())?;
        }
        Self::read(&own)
    }

    /// That of two files.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn read(own: &Own) -> Result<Self, IdentityError> {
        let read = |path: &Path| files::read_at_most(path, MOST_BYTES);
        let of = |path: &Path, what| {
            let path = path.to_owned();
            move |source| IdentityError::Pem { path, what, source }
        };
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(&read(&own.certificate)?).collect();
        let chain = chain.map_err(of(&own.certificate, "certificate"))?;
        let Some(first) = chain.first() else {
            return Err(of(&own.certificate, "certificate")(pem::Error::NoItemsFound));
        };
        let fingerprint = fingerprint(first);
        let key = PrivateKeyDer::from_pem_slice(&read(&own.key)?).map_err(of(&own.key, "key"))?;
        let unfit = |source| IdentityError::Unfit { path: own.certificate.clone(), source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unfit)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unfit)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint })
    }

    /// For the server.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// SHA-256 of the certificate as browsers show it: `AB:CD:…`.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let bytes: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn names() -> Vec<String> {
        vec!["kiosk.lan".into(), "192.0.2.7".into()]
    }

    #[test]
    fn one_is_made_once_and_only_its_owner_reads_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let first = Identity::kept_in(folder.path(), &names()).unwrap();
        let again = Identity::kept_in(folder.path(), &["another.lan".into()]).unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_eq!(first.fingerprint().split(':').filter(|byte| byte.len() == 2).count(), 32);
        let mode = std::fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let other = tempfile::tempdir().unwrap();
        let other = Identity::kept_in(other.path(), &names()).unwrap();
        assert_ne!(first.fingerprint(), other.fingerprint());
    }

    #[test]
    fn what_is_none_is_named() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let _ = Identity::kept_in(folder.path(), &names()).unwrap();
        let _ = Identity::kept_in(other.path(), &names()).unwrap();
        let own = |certificate: &Path, key: &Path| Own { certificate: certificate.into(), key: key.into() };
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        let said = |own: Own| Identity::read(&own).unwrap_err().to_string();
        assert!(said(own(&key, &key)).ends_with("key.pem` holds no certificate in PEM"));
        assert!(said(own(&certificate, &certificate)).ends_with("certificate.pem` holds no key in PEM"));
        assert!(said(own(&certificate, &other.path().join("key.pem"))).contains("cannot be used with its key"));
        assert!(said(own(&certificate, Path::new("/nowhere/key.pem"))).contains("/nowhere/key.pem"));
        files::write_atomic(&certificate, b"-----BEGIN CERTIFICATE-----\n!!!").unwrap();
        let damaged = Identity::kept_in(folder.path(), &names()).unwrap_err();
        assert!(damaged.hint().is_some(), "{damaged}");
    }
}
