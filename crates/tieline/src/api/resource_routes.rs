//! Operations that are served at once, and described when somebody asks.
//!
//! The description of the whole API is made of several megabytes, which a server that nobody asks for it need not have.

use axum::{Router, handler::Handler, routing::MethodRouter};
use utoipa::openapi::HttpMethod;
use utoipa_axum::{
    PathItemExt as _,
    router::{OpenApiRouter, UtoipaMethodRouter},
};

use crate::app::App;

/// Makes the description of the operations of one path, with the operations.
type Describe = fn() -> UtoipaMethodRouter<App>;

/// The operations of one path.
pub(super) struct PathRoutes {
    pub(super) path: String,
    pub(super) operations: MethodRouter<App>,
    pub(super) describe: Describe,
}

/// The operations of one path, by the names of their handlers: `routes!(tools::list, tools::create)`. Path and methods are
/// those of their `#[utoipa::path]`.
macro_rules! routes {
    ($($module:ident :: $handler:ident),+ $(,)?) => {
        utoipa_axum::paste! {{
            use utoipa::Path;
            use $crate::api::resource_routes::{PathRoutes, on};
            let [path, ..] = [$($module::[<__path_ $handler>]::path()),+];
            let operations = axum::routing::MethodRouter::new();
            $(let operations = on(operations, $module::[<__path_ $handler>]::methods(), $module::$handler);)+
            let describe = || utoipa_axum::routes!($($module::$handler),+);
            PathRoutes { path, operations, describe }
        }}
    };
}
pub(super) use routes;

/// With `handler` for these methods.
pub(super) fn on<H, T>(
    operations: MethodRouter<App>,
    methods: Vec<HttpMethod>,
    handler: H,
) -> MethodRouter<App>
where
    H: Handler<T, App>,
    T: 'static,
{
    let methods = methods.into_iter();
    methods.fold(operations, |all, method| {
        all.on(method.to_method_filter(), handler.clone())
    })
}

/// The operations of many paths.
#[derive(Default)]
pub(super) struct Routes {
    router: Router<App>,
    describe: Vec<Describe>,
}

impl Routes {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// With those of one more path.
    pub(super) fn routes(mut self, one: PathRoutes) -> Self {
        self.describe.push(one.describe);
        Self {
            router: self.router.route(&one.path, one.operations),
            ..self
        }
    }

    /// With all those of `other`.
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.describe.extend(other.describe);
        Self {
            router: self.router.merge(other.router),
            ..self
        }
    }

    /// Serves them.
    pub(super) fn into_router(self) -> Router<App> {
        self.router
    }

    /// Describes them.
    pub(super) fn described(self) -> OpenApiRouter<App> {
        let describe = self.describe.into_iter();
        describe.fold(OpenApiRouter::new(), |all, describe| all.routes(describe()))
    }
}
