//! What the handlers of every kind of configuration object do in the same way: who may, which one, whether it is as the
//! caller last saw it, and how it is shown.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use tieline_domain::{
    access::{Area, Right},
    destination::Destination,
};
use tieline_store::documents::{Document, Kind};

use super::{
    answer::{Created, ListView, Shown},
    caller::Caller,
    document::content_of,
    etag::IfMatch,
    page::Page,
    problem::Problem,
    versions::{self, Rollback, VersionPath, VersionView},
};
use crate::app::App;

/// What a client calls an object by.
#[derive(Clone, Copy)]
pub(super) enum Call {
    /// Its id.
    Id,
    /// Its name.
    Name,
}

/// A kind of configuration object.
pub(super) struct Resource {
    /// Its kind in the store.
    pub(super) kind: Kind,
    /// What it is called.
    pub(super) what: &'static str,
    /// Where it is found, such as `/v1/tools`.
    pub(super) path: &'static str,
    /// The scopes that it takes.
    pub(super) area: Area,
    /// What a client may call one by, in the order in which it is looked up.
    pub(super) called_by: &'static [Call],
}

/// What is shown of a document.
pub(super) trait View: Sized {
    /// Makes it.
    fn read(app: &App, document: Document) -> impl Future<Output = Result<Self, Problem>> + Send;
}

impl Resource {
    /// That there is none.
    pub(super) fn missing(&self) -> Problem {
        Problem::not_found(self.what)
    }

    /// The object of the caller's tenant that is called this; 404 if there is none.
    pub(super) async fn find(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
    ) -> Result<Document, Problem> {
        let (tenant, kind, store) = (caller.tenant_id, self.kind, &app.store);
        let called = &called.to_string();
        for by in self.called_by {
            let found = match by {
                Call::Id => store.find_document(tenant, kind, called).await?,
                Call::Name => store.find_named_document(tenant, kind, called).await?,
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(self.missing())
    }

    /// The object, for a caller that may look at it.
    pub(super) async fn readable(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
    ) -> Result<Document, Problem> {
        caller.require(self.area, Right::Read)?;
        self.find(app, caller, called).await
    }

    /// The object, for a caller that may change it, as that last saw it.
    pub(super) async fn changeable(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
        condition: &IfMatch,
    ) -> Result<Document, Problem> {
        caller.require(self.area, Right::Write)?;
        let found = self.find(app, caller, called).await?;
        condition.check(found.version)?;
        Ok(found)
    }

    /// A page of the objects.
    pub(super) async fn list<V: View>(
        &self,
        app: &App,
        caller: &Caller,
        page: &Page,
    ) -> Result<ListView<V>, Problem> {
        caller.require(self.area, Right::Read)?;
        let found = app
            .store
            .list_documents(caller.tenant_id, self.kind, &page.request())
            .await?;
        let mut data = Vec::with_capacity(found.items.len());
        for document in found.items {
            data.push(V::read(app, document).await?);
        }
        Ok(ListView {
            data,
            next_cursor: found.next,
        })
    }

    /// A page of objects that are destinations, each shown with its health.
    pub(super) async fn list_destinations<V>(
        &self,
        app: &App,
        caller: &Caller,
        page: &Page,
        view: impl Fn(Document, &Destination) -> Result<V, Problem>,
    ) -> Result<ListView<V>, Problem> {
        caller.require(self.area, Right::Read)?;
        let (tenant, store) = (caller.tenant_id, &app.store);
        let found = store
            .list_documents(tenant, self.kind, &page.request())
            .await?;
        let health = store.destinations(tenant).await?.into_iter();
        let health: HashMap<_, _> = health
            .map(|health| (health.id.to_string(), health))
            .collect();
        // One that was deleted between the two reads has no health.
        let views = found.items.into_iter().filter_map(|document| {
            let health = health.get(&document.id)?;
            Some(view(document, health))
        });
        Ok(ListView {
            data: views.collect::<Result<_, _>>()?,
            next_cursor: found.next,
        })
    }

    /// The health of an object that is a destination.
    pub(super) async fn health(
        &self,
        app: &App,
        document: &Document,
    ) -> Result<Destination, Problem> {
        let id = document.id.parse().map_err(|_| Problem::internal())?;
        let found = app.store.find_destination(document.tenant_id, id);
        found.await?.ok_or_else(|| self.missing())
    }

    /// One object.
    pub(super) async fn show<V: View>(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
    ) -> Result<Shown<V>, Problem> {
        let found = self.readable(app, caller, called).await?;
        self.shown(app, Some(found)).await
    }

    /// What became of an object, as it is shown; 404 if it has gone meanwhile.
    pub(super) async fn shown<V: View>(
        &self,
        app: &App,
        document: Option<Document>,
    ) -> Result<Shown<V>, Problem> {
        let document = document.ok_or_else(|| self.missing())?;
        let version = document.version;
        Ok(Shown::new(V::read(app, document).await?).version(version))
    }

    /// An object that was made.
    pub(super) async fn created<V: View>(
        &self,
        app: &App,
        made: Document,
    ) -> Result<Created<V>, Problem> {
        let (location, version) = (format!("{}/{}", self.path, made.id), made.version);
        Ok(Created::new(location, V::read(app, made).await?).version(version))
    }

    /// The versions of an object that are kept.
    pub(super) async fn versions(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
        page: &Page,
    ) -> Result<ListView<VersionView>, Problem> {
        let document = self.readable(app, caller, called).await?;
        versions::list(app, &document, page).await
    }

    /// One version of an object.
    pub(super) async fn version(
        &self,
        app: &App,
        caller: &Caller,
        path: &VersionPath,
    ) -> Result<Shown<VersionView>, Problem> {
        let document = self.readable(app, caller, &path.id).await?;
        versions::show(app, &document, path.version).await
    }

    /// The object that goes back to a version, and what it was then.
    pub(super) async fn rolled_back<T: DeserializeOwned>(
        &self,
        app: &App,
        caller: &Caller,
        called: &(impl ToString + Sync),
        condition: &IfMatch,
        to: &Rollback,
    ) -> Result<(Document, T), Problem> {
        let before = self.changeable(app, caller, called, condition).await?;
        let then = versions::find(app, &before, to.version).await?;
        Ok((before, content_of(&then.body)?))
    }
}
