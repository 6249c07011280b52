//! TLS for those who come over the network.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// A certificate chain and its key, read and found to fit.
#[derive(Clone)]
pub(crate) struct Certificate(Arc<ServerConfig>);

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A file cannot be read, or holds something else.
    #[error("cannot read `{path}`: {why}; it must be a PEM file of a {what}")]
    File { path: PathBuf, what: &'static str, why: String },
    /// The two do not fit.
    #[error("certificate and key cannot be used: {0}; they must belong together")]
    Pair(String),
}

impl Certificate {
    /// Reads a chain and a key from PEM files.
    pub(crate) fn read(chain: &Path, key: &Path) -> Result<Self, CertificateError> {
        let unreadable = |path: &Path, what, why: String| CertificateError::File {
            path: path.to_owned(),
            what,
            why,
        };
        let read = |path: &Path, what| {
            let bytes = plain_file::bytes(path, plain_file::SMALL);
            bytes.map_err(|error| unreadable(path, what, error.to_string()))
        };
        let certificates = read(chain, "certificate chain")?;
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&certificates)
                .collect::<Result<_, _>>()
                .map_err(|error| unreadable(chain, "certificate chain", error.to_string()))?;
        if certificates.is_empty() {
            let why = "there is no certificate in it".to_owned();
            return Err(unreadable(chain, "certificate chain", why));
        }
        let key = PrivateKeyDer::from_pem_slice(&read(key, "private key")?)
            .map_err(|error| unreadable(key, "private key", error.to_string()))?;
        let pair = |error: tokio_rustls::rustls::Error| CertificateError::Pair(error.to_string());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .map_err(pair)?;
        Ok(Self(Arc::new(config)))
    }

    /// What takes connections with it.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(..)")
    }
}
