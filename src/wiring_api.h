#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "api/commit_notes.h"
#include "api/front.h"
#include "api/gate.h"
#include "http/server.h"
#include "metrics/metrics.h"
#include "model/project.h"
#include "pipeline/resources.h"
#include "pipeline/row_requests.h"
#include "runlog/key_store.h"

namespace weir {

/// What the API needs from around it. All must outlive it.
struct ApiParts {
  const Project& project;  ///< which has an `api`
  pipeline::Resources& resources;
  runlog::KeyStore& keys;
  const Clock& clock;
  owner::Handler ask;
  api::Admin& admin;
  metrics::Metrics& metrics;
};

/// The HTTP API of a running weir: its keys, the requests that wait, the listener.
class ApiService {
 public:
  /// Listens from now on. Errors: usage (the port is taken), io, invalid_project (the certificate).
  static Result<std::unique_ptr<ApiService>> start(ApiParts parts, const ListenAddress& address);
  ~ApiService() { drain(std::chrono::milliseconds(0)); }

  const ListenAddress& address() const { return server_->address(); }
  /// Adds what is true of its connections now.
  void measure(metrics::Levels& levels) const;
  /// Accepts no more, answers what was asked within `grace`.
  void drain(std::chrono::milliseconds grace);

 private:
  ApiService() = default;

  std::unique_ptr<api::CommitNotes> commits_;
  std::unique_ptr<pipeline::RowRequests> rows_;
  std::unique_ptr<api::Gate> gate_;
  std::unique_ptr<api::Queries> queries_;
  std::unique_ptr<api::Front> front_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace weir
