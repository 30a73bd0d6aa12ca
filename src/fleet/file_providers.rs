//! Keys in files: their providers, made and read for the first time off the runtime.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use futures_util::future::join_all;

use super::environment::Environment;
use crate::clock::Clock;
use crate::config::{self, Credentials};
use crate::files::{READ_TIMEOUT, ReadSlot, Reads};
use crate::tencent::credentials::{
    ChainSource, CredentialFile, DEFAULT_PROFILE, KeyFiles, Profile, ReloadingProvider, detect,
};

/// A provider that reads files.
pub(super) type FileProvider = ReloadingProvider<Box<dyn CredentialFile>>;

/// Where the default credentials are, and why the earlier sources have none.
pub(super) type Chain = (ChainSource, Vec<String>);

/// The providers of a process that read files. Accounts with the same files share one.
#[derive(Default)]
pub(super) struct FileProviders {
    /// Caps the reads of all of them.
    reads: Reads,
    known: HashMap<Credentials, Weak<FileProvider>>,
    chain_slot: ReadSlot,
    chain: Option<Chain>,
    /// The file of profiles whose account names none. It stays chosen while it is away for a moment.
    usual_file: Option<PathBuf>,
}

impl FileProviders {
    /// Makes the providers that these accounts need and reads each new one once, because whose calls
    /// share a rate limit is decided when an account is made. All reads together take as long as
    /// one may. The caller keeps what is returned until the accounts are made.
    pub(super) async fn open(
        &mut self,
        accounts: impl Iterator<Item = &config::Account>,
        environment: &Environment,
        clock: &Clock,
    ) -> Vec<Arc<FileProvider>> {
        let wanted: HashSet<&Credentials> = accounts.map(|it| &it.credentials).collect();
        if wanted.contains(&Credentials::Default) {
            self.chain = Some(self.detect(environment).await);
        }
        let is_usual = |it: &&Credentials| matches!(it, Credentials::Profile { file: None, .. });
        if wanted.iter().any(is_usual) {
            self.usual_file = self.find_usual_file(environment).await;
        }
        let mut opened = Vec::new();
        for credentials in wanted {
            if self.find(credentials).is_none()
                && let Some(credential_file) = self.credential_file(credentials, environment)
            {
                opened.push(self.provider(credentials, || credential_file, clock));
            }
        }
        join_all(opened.iter().map(|provider| provider.identify())).await;
        opened
    }

    /// The provider of these credentials, made by [`open`](Self::open), or else now and not yet
    /// read.
    pub(super) fn provider(
        &mut self,
        credentials: &Credentials,
        files: impl FnOnce() -> Box<dyn CredentialFile>,
        clock: &Clock,
    ) -> Arc<FileProvider> {
        if let Some(provider) = self.find(credentials) {
            return provider;
        }
        let provider =
            Arc::new(ReloadingProvider::new(files(), clock.clone()).sharing(&self.reads));
        self.known
            .insert(credentials.clone(), Arc::downgrade(&provider));
        provider
    }

    /// Where the default credentials were found by [`open`](Self::open).
    pub(super) fn chain(&self, environment: &Environment) -> Chain {
        self.chain.clone().unwrap_or_else(|| detect(environment))
    }

    /// Forgets providers that no account uses.
    pub(super) fn prune(&mut self) {
        self.known.retain(|_, provider| provider.strong_count() > 0);
    }

    fn find(&self, credentials: &Credentials) -> Option<Arc<FileProvider>> {
        self.known.get(credentials).and_then(Weak::upgrade)
    }

    async fn detect(&self, environment: &Environment) -> Chain {
        let variables = environment.clone();
        let found = self
            .chain_slot
            .run(READ_TIMEOUT, move || detect(&variables));
        // Only the profile is a file. A file whose state is unknown counts as existing.
        found.await.unwrap_or_else(|_| {
            let first = Profile::default_files(environment).into_iter().next();
            (ChainSource::Profile(first.unwrap_or_default()), Vec::new())
        })
    }

    async fn find_usual_file(&self, environment: &Environment) -> Option<PathBuf> {
        let profile = usual_profile(DEFAULT_PROFILE, environment);
        let find = move || profile.file().map(Path::to_owned).ok();
        self.chain_slot.run(READ_TIMEOUT, find).await.ok().flatten()
    }

    /// The files that hold these credentials; `None` if they are not in files.
    pub(super) fn credential_file(
        &self,
        credentials: &Credentials,
        environment: &Environment,
    ) -> Option<Box<dyn CredentialFile>> {
        Some(match credentials {
            Credentials::Files {
                secret_id,
                secret_key,
                token,
            } => Box::new(KeyFiles {
                secret_id: secret_id.path.clone(),
                secret_key: secret_key.path.clone(),
                token: token.as_ref().map(|token| token.path.clone()),
            }),
            Credentials::Profile { name, file } => {
                let file = file.as_ref().map(|file| &file.path);
                let mut profile = usual_profile(name, environment);
                if let Some(file) = file.or(self.usual_file.as_ref()) {
                    profile.files = vec![file.clone()];
                }
                Box::new(profile)
            }
            Credentials::Default => match self.chain(environment) {
                (ChainSource::Profile(file), _) => Box::new(Profile {
                    name: DEFAULT_PROFILE.to_owned(),
                    files: vec![file],
                }),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// A profile in the first of the usual files.
fn usual_profile(name: &str, environment: &Environment) -> Profile {
    Profile {
        name: name.to_owned(),
        files: Profile::default_files(environment),
    }
}
