#include "postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "postgres/failure.h"
#include "postgres/session.h"

namespace weir::postgres {

namespace {

using Clock = std::chrono::steady_clock;

const char* ssl_mode(server::Options::Tls tls) {
  using Tls = server::Options::Tls;
  switch (tls) {
    case Tls::disable: return "disable";
    case Tls::prefer: return "prefer";
    case Tls::require: return "require";
    case Tls::verify_ca: return "verify-ca";
    case Tls::verify_full: return "verify-full";
  }
  return "prefer";
}

/// libpq knows no system authorities before version 16: where distributions keep them.
std::string system_authorities() {
  static constexpr std::array<const char*, 4> places = {
      "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
  std::error_code ignored;
  for (const char* place : places) {
    if (std::filesystem::exists(place, ignored)) return place;
  }
  return places[0];
}

/// Settings of libpq, by its names.
class Parameters {
 public:
  explicit Parameters(const server::Options& options) {
    set("host", options.host);
    if (options.port != 0) set("port", std::to_string(options.port));
    set("user", options.user);
    set("password", options.password);
    set("dbname", options.database);
    set("application_name", options.application);
    set("client_encoding", "UTF8");
    set("gssencmode", "disable");
    set_tls(options);
    set_silence(options.silence);
  }

  std::vector<const char*> names() const { return column(&Entry::first); }
  std::vector<const char*> values() const { return column(&Entry::second); }

 private:
  using Entry = std::pair<std::string, std::string>;

  /// What is empty is left to libpq.
  void set(std::string name, std::string value) {
    if (!value.empty()) entries_.emplace_back(std::move(name), std::move(value));
  }

  void set_tls(const server::Options& options) {
    using Tls = server::Options::Tls;
    set("sslmode", ssl_mode(options.tls));
    const bool verified = options.tls == Tls::verify_ca || options.tls == Tls::verify_full;
    set("sslrootcert",
        options.ca_file.empty() && verified ? system_authorities() : options.ca_file);
    set("sslcert", options.certificate_file);
    set("sslkey", options.key_file);
  }

  /// What was sent must be acknowledged in time; where nothing is to be sent, the other end is
  /// asked after half of it, three times.
  void set_silence(std::chrono::milliseconds silence) {
    const auto seconds = std::max<int64_t>(2, silence.count() / 1000);
    set("tcp_user_timeout", std::to_string(silence.count()));
    set("keepalives", "1");
    set("keepalives_idle", std::to_string(seconds / 2));
    set("keepalives_interval", std::to_string(std::max<int64_t>(1, seconds / 6)));
    set("keepalives_count", "3");
  }

  std::vector<const char*> column(std::string Entry::*field) const {
    std::vector<const char*> pointers;
    for (const Entry& entry : entries_) pointers.push_back((entry.*field).c_str());
    pointers.push_back(nullptr);
    return pointers;
  }

  std::vector<Entry> entries_;
};

struct EndConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using ConnectionPointer = std::unique_ptr<PGconn, EndConnection>;

/// Waits until libpq can go on. False when the time is over.
bool wait(PGconn* connection, PostgresPollingStatusType status, Clock::time_point deadline) {
  pollfd entry{PQsocket(connection), 0, 0};
  entry.events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<int64_t>(left, INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

/// The handshake step by step: a connection made in one call could not be asked for the SQLSTATE
/// of its refusal, and knows whole seconds only.
Result<ConnectionPointer> open(const server::Options& options) {
  const Parameters parameters(options);
  ConnectionPointer connection{
      PQconnectStartParams(parameters.names().data(), parameters.values().data(), 0)};
  if (connection == nullptr) return fail(ErrorCode::busy, "there is no memory for a connection");
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  const auto deadline = Clock::now() + options.connect_timeout;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (PQstatus(connection.get()) != CONNECTION_BAD && status != PGRES_POLLING_OK &&
         status != PGRES_POLLING_FAILED) {
    if (!wait(connection.get(), status, deadline)) {
      return fail(ErrorCode::unavailable,
                  fmt::format("cannot connect to Postgres: {} did not answer within {} ms",
                              options.host, options.connect_timeout.count()),
                  "check the address, and that nothing between drops packets");
    }
    status = PQconnectPoll(connection.get());
  }
  if (PQstatus(connection.get()) == CONNECTION_BAD || status != PGRES_POLLING_OK) {
    return fail(connect_failure(PQerrorMessage(connection.get())));
  }
  PQsetErrorVerbosity(connection.get(), PQERRORS_DEFAULT);
  return connection;
}

/// A statement instead of startup options: poolers let only few of those through. The server's end
/// looks after the connection as ours does: what a weir that went away held is soon free again.
std::string session_settings(std::chrono::milliseconds silence) {
  const auto seconds = std::max<int64_t>(2, silence.count() / 1000);
  return fmt::format(
      R"(
  SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO, YMD', false),
         set_config('IntervalStyle', 'iso_8601', false),
         set_config('standard_conforming_strings', 'on', false),
         set_config('extra_float_digits', '3', false), set_config('bytea_output', 'hex', false),
         set_config('tcp_keepalives_idle', '{}', false),
         set_config('tcp_keepalives_interval', '{}', false),
         set_config('tcp_keepalives_count', '3', false))",
      seconds / 2, std::max<int64_t>(1, seconds / 6));
}

}  // namespace

Result<std::unique_ptr<server::Connection>> connect(const server::Options& options) {
  ConnectionPointer connection = WEIR_TRY(open(options));
  const int version = PQserverVersion(connection.get());
  if (version < oldest_major * 10'000) {
    return fail(ErrorCode::sql,
                fmt::format("the server is PostgreSQL {}; weir works with {} and later",
                            PQparameterStatus(connection.get(), "server_version"), oldest_major),
                "upgrade the server");
  }
  auto session = std::make_unique<Session>(connection.release(), options.answer_timeout);
  WEIR_TRY(session->run(session_settings(options.silence)));
  return session;
}

}  // namespace weir::postgres
