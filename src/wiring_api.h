#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "api/front.h"
#include "api/gate.h"
#include "http/server.h"
#include "model/project.h"
#include "pipeline/resources.h"
#include "pipeline/row_requests.h"
#include "runlog/key_store.h"

namespace weir {

/// The HTTP API of a running weir: its keys, the requests that wait, the listener.
class ApiService {
 public:
  /// Listens from now on. `ask` and what the references name must outlive it. Errors: usage (the
  /// port is taken), io, invalid_project (the certificate).
  static Result<std::unique_ptr<ApiService>> start(const Project& project,
                                                   pipeline::Resources& resources,
                                                   runlog::KeyStore& keys, const Clock& clock,
                                                   owner::Handler ask, api::Admin& admin,
                                                   const ListenAddress& address);
  ~ApiService() { drain(std::chrono::milliseconds(0)); }

  const ListenAddress& address() const { return server_->address(); }
  pipeline::RowRequests::Waiting waiting() const { return rows_->waiting(); }
  /// Accepts no more, answers what was asked within `grace`.
  void drain(std::chrono::milliseconds grace);

 private:
  ApiService() = default;

  std::unique_ptr<pipeline::RowRequests> rows_;
  std::unique_ptr<api::Gate> gate_;
  std::unique_ptr<api::Queries> queries_;
  std::unique_ptr<api::Front> front_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace weir
