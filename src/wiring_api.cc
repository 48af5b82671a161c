#include "wiring_api.h"

#include <sys/resource.h>

#include <algorithm>

namespace weir {
namespace {

/// Bodies that wait may take this part of `memory:`.
constexpr uint64_t memory_parts = 8;
constexpr size_t workers = 8;

/// A shell's usual limit is 1,024 descriptors, and each connection takes one.
void use_all_descriptors() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Result<std::unique_ptr<ApiService>> ApiService::start(ApiParts parts,
                                                      const ListenAddress& address) {
  auto service = std::unique_ptr<ApiService>(new ApiService);
  const Project& project = parts.project;
  const Api& api = *project.api;
  const trace::Tracer* tracer = parts.resources.tracer;
  metrics::ApiMetrics& counts = parts.metrics.count_api(api::Front::labels(project));
  use_all_descriptors();
  service->commits_ = std::make_unique<api::CommitNotes>(counts, tracer);
  pipeline::RowRequests::Options options;
  options.most_bytes = project.memory_bytes / memory_parts;
  options.remember = std::chrono::milliseconds(api.remember_ms);
  options.observer = service->commits_.get();
  service->rows_ = pipeline::make_row_requests(project, parts.resources, parts.clock, options);
  service->gate_ = std::make_unique<api::Gate>(api, parts.keys, parts.clock);
  service->queries_ = std::make_unique<api::Queries>(project, *parts.resources.databases);
  service->front_ = std::make_unique<api::Front>(
      api::FrontParts{project, parts.clock, *service->gate_, *service->rows_, std::move(parts.ask),
                      parts.admin, *service->queries_, counts, tracer});
  http::ServerOptions listener;
  listener.address = address;
  listener.workers = workers + api.max_queries;  // each query at work keeps one
  listener.most_connections = api.connections;
  if (!api.certificate.empty()) listener.tls = http::TlsFiles{api.certificate, api.key};
  service->server_ = WEIR_TRY(http::Server::listen(
      std::move(listener),
      http::Exchange([front = service->front_.get()](http::Request request, http::Reply reply) {
        return front->take(std::move(request), std::move(reply));
      }),
      [front = service->front_.get()](const http::RequestHead& head, const std::string& peer) {
        return front->admit(head, peer);
      }));
  return service;
}

void ApiService::measure(metrics::Levels& levels) const {
  levels.api_connections = server_->connections();
  const http::CutCounts::Counts cut = server_->cut();
  for (size_t i = 0; i < cut.size(); ++i) {
    levels.api_cut.emplace_back(to_string(http::all_cuts[i]), cut[i]);
  }
}

void ApiService::drain(std::chrono::milliseconds grace) {
  if (rows_) rows_->drain(grace);
  if (server_) server_->drain(std::min(grace, std::chrono::milliseconds(1'000)));
}

}  // namespace weir
