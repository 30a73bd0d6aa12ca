//! The credential providers that read files. They are created and read for the first time off the
//! runtime.

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
pub(crate) type FileProvider = ReloadingProvider<Box<dyn CredentialFile>>;

/// The source of the default credentials, and why the earlier sources have none.
pub(super) type Chain = (ChainSource, Vec<String>);

/// The providers that read files. Accounts with the same files share a provider.
#[derive(Default)]
pub(super) struct FileProviders {
    /// Caps the concurrent reads of all providers.
    reads: Reads,
    known: HashMap<Credentials, Weak<FileProvider>>,
    chain_slot: ReadSlot,
    chain: Option<Chain>,
    /// The credentials file for profiles that name no file. It stays selected if it is briefly
    /// absent.
    usual_file: Option<PathBuf>,
}

impl FileProviders {
    /// Creates the providers that these accounts need, and reads each new provider once. The key
    /// decides which accounts share a rate limit. All reads run concurrently. Keep the result until
    /// the accounts are created.
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

    /// Returns the provider of these credentials. If [`open`](Self::open) has not created it, the
    /// provider is created unread.
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

    /// Returns the source of the default credentials that [`open`](Self::open) detected.
    pub(super) fn chain(&self, environment: &Environment) -> Chain {
        self.chain.clone().unwrap_or_else(|| detect(environment))
    }

    /// Drops the providers that no account uses.
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
        // Only a profile is a file. If the state of the file is unknown, the file counts as
        // existing.
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

    /// Returns the files with these credentials. `None` if the credentials are not in files.
    pub(super) fn credential_file(
        &self,
        credentials: &Credentials,
        environment: &Environment,
    ) -> Option<Box<dyn CredentialFile>> {
        match credentials {
            Credentials::Default => match self.chain(environment) {
                (ChainSource::Profile(file), _) => Some(Box::new(Profile {
                    name: DEFAULT_PROFILE.to_owned(),
                    files: vec![file],
                })),
                _ => None,
            },
            _ => credential_file(credentials, environment, self.usual_file.as_ref()),
        }
    }
}

/// Returns the files with the credentials of a configuration. `None` if it names none. `usual_file` is
/// the file of a profile without a file, if it is known already.
pub(crate) fn credential_file(
    credentials: &Credentials,
    environment: &Environment,
    usual_file: Option<&PathBuf>,
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
            if let Some(file) = file.or(usual_file) {
                profile.files = vec![file.clone()];
            }
            Box::new(profile)
        }
        _ => return None,
    })
}

/// Returns a profile in the first of the default files.
fn usual_profile(name: &str, environment: &Environment) -> Profile {
    Profile {
        name: name.to_owned(),
        files: Profile::default_files(environment),
    }
}
