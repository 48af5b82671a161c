#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>

#include "mysql/session.h"

namespace weir::mysql {
namespace {

using server::Options;

/// Strict, and no value is taken for another: what cannot be stored as it is, is refused.
constexpr std::string_view sql_mode =
    "STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY";

/// A table without an index on its key is joined by hash, as MySQL does by itself: row against row
/// would take as long as both tables' sizes multiplied.
constexpr char mariadb_settings[] =
    ", check_constraint_checks = 1, join_cache_level = 4, join_buffer_size = 33554432, "
    "join_buffer_space_limit = 67108864";

/// What may be proven to a server that is not known for sure: nothing that shows it the password.
constexpr char safe_proofs[] =
    "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519,parsec";

bool is_socket(const Options& options) { return options.host.starts_with('/'); }

void set_tls(MYSQL* session, const Options& options) {
  if (options.tls == Options::Tls::disable) return;
  const my_bool yes = 1;
  mysql_options(session, MYSQL_OPT_SSL_ENFORCE, &yes);
  if (!options.certificate_file.empty()) {
    mysql_options(session, MYSQL_OPT_SSL_CERT, options.certificate_file.c_str());
    mysql_options(session, MYSQL_OPT_SSL_KEY, options.key_file.c_str());
  }
  if (options.tls < Options::Tls::verify_ca) return;
  if (options.ca_file.empty()) {
    mysql_options(session, MYSQL_OPT_SSL_CAPATH, "/etc/ssl/certs");
  } else {
    mysql_options(session, MYSQL_OPT_SSL_CA, options.ca_file.c_str());
  }
  if (options.tls == Options::Tls::verify_full) {
    mysql_options(session, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
  }
}

int infile_open(void** infile, const char* name, void* given) {
  *infile = given;
  return static_cast<Infile*>(given)->open(name);
}
int infile_read(void* infile, char* to, unsigned room) {
  return static_cast<Infile*>(infile)->read(to, room);
}
void infile_end(void*) {}
int infile_error(void* infile, char* to, unsigned room) {
  const std::string& message = static_cast<Infile*>(infile)->message();
  to[message.copy(to, room - 1)] = '\0';
  return given_up;
}

/// The library's own timeouts would also end a statement that just takes long.
void watch_the_other_end(MYSQL* session, const Options& options) {
  const int socket = mysql_get_socket(session);
  const int milliseconds = static_cast<int>(options.silence.count());
  const int seconds = std::max(milliseconds / 1000, 4);
  const auto set = [&](int level, int option, int value) {
    ::setsockopt(socket, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds / 2);
  set(IPPROTO_TCP, TCP_KEEPINTVL, std::max(seconds / 8, 1));
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

/// "10.11.6-MariaDB-log" → 101106.
unsigned release_number(std::string_view release) {
  unsigned number = 0;
  for (int i = 0; i < 3; ++i) {
    unsigned part = 0;
    const auto [end, error] =
        std::from_chars(release.data(), release.data() + release.size(), part);
    if (error != std::errc{}) return 0;
    number = number * 100 + part;
    release.remove_prefix(static_cast<size_t>(end - release.data()));
    if (release.starts_with('.')) release.remove_prefix(1);
  }
  return number;
}

}  // namespace

void Session::set_options(MYSQL* session) const {
  const auto seconds =
      static_cast<unsigned>(std::max<int64_t>(1, (options_.connect_timeout.count() + 999) / 1000));
  mysql_options(session, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
  if (const auto limit = static_cast<unsigned>(options_.answer_timeout.count() / 1000); limit > 0) {
    mysql_options(session, MYSQL_OPT_READ_TIMEOUT, &limit);
    mysql_options(session, MYSQL_OPT_WRITE_TIMEOUT, &limit);
  }
  mysql_options(session, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const my_bool no = 0;
  mysql_options(session, MYSQL_OPT_RECONNECT, &no);
  const unsigned long buffer = 256 * 1024;  // LOAD DATA's packets are 4 kB: fewer writes
  mysql_options(session, MYSQL_OPT_NET_BUFFER_LENGTH, &buffer);
  // "localhost" would be the socket that was compiled in.
  const unsigned protocol = is_socket(options_) ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  mysql_options(session, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options4(session, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", options_.application.c_str());
  if (options_.tls != Options::Tls::verify_full) {
    mysql_optionsv(session, MARIADB_OPT_RESTRICTED_AUTH, safe_proofs);
  }
  set_tls(session, options_);
}

MYSQL* Session::open(ServerError& error, bool with_infile) {
  MYSQL* session = mysql_init(nullptr);
  if (session == nullptr) {
    error = {2008, "HY000", "the client is out of memory"};
    return nullptr;
  }
  set_options(session);
  const unsigned allowed = with_infile ? 1 : 0;
  mysql_options(session, MYSQL_OPT_LOCAL_INFILE, &allowed);
  mysql_set_local_infile_handler(session, infile_open, infile_read, infile_end, infile_error,
                                 &infile_);
  const auto text = [](const std::string& value) {
    return value.empty() ? nullptr : value.c_str();
  };
  const bool socket = is_socket(options_);
  // An UPDATE counts the rows it finds, as elsewhere, and not only those that it makes different.
  constexpr unsigned long flags = CLIENT_FOUND_ROWS;
  if (mysql_real_connect(session, socket ? nullptr : text(options_.host), text(options_.user),
                         options_.password.c_str(), text(options_.database), options_.port,
                         socket ? options_.host.c_str() : nullptr, flags) == nullptr) {
    error = {mysql_errno(session), mysql_sqlstate(session), mysql_error(session)};
    mysql_close(session);
    return nullptr;
  }
  if (options_.tls >= Options::Tls::require && mysql_get_ssl_cipher(session) == nullptr) {
    error = {2026, "HY000", "the server does not encrypt, but tls is required"};
    mysql_close(session);
    return nullptr;
  }
  if (!socket) watch_the_other_end(session, options_);
  return session;
}

Result<void> Session::connect() {
  ServerError error;
  mysql_ = open(error, true);
  if (mysql_ == nullptr) return refused(error);
  works_ = true;
  id_ = mysql_thread_id(mysql_);
  WEIR_TRY(check_release());
  return set_session();
}

Result<void> Session::check_release() {
  release_ = mysql_get_server_info(mysql_);
  const bool mariadb = mariadb_connection(mysql_) != 0;
  product_ = mariadb ? "MariaDB" : "MySQL";
  // MariaDB may hide behind a number that old clients know.
  if (release_.starts_with("5.5.5-")) release_.erase(0, 6);
  const unsigned number = release_number(release_);
  release_ = release_.substr(0, release_.find('-'));
  if (number >= (mariadb ? 100'500U : 80'017U)) return {};
  return fail(ErrorCode::sql, version() + " is too old for weir",
              "use MariaDB 10.5, MySQL 8.0.17 or later");
}

Result<void> Session::set_session() {
  const bool mariadb = product_ == "MariaDB";
  // A parameter compared with another takes the session's collation: 'a' is neither 'A' nor 'a '.
  WEIR_TRY(command(std::string("SET NAMES utf8mb4 COLLATE ") +
                   (mariadb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin")));
  WEIR_TRY(command("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"));
  // Lock waits end before anybody thinks the run hangs, and are tried again. The server's patience
  // with us is long: rows come as fast as their source gives them, and go as fast as they are used.
  WEIR_TRY(command("SET SESSION sql_mode = '" + std::string(sql_mode) +
                   "', time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1, "
                   "unique_checks = 1, sql_notes = 1, max_error_count = 64, sql_select_limit = "
                   "DEFAULT, innodb_lock_wait_timeout = 30, lock_wait_timeout = 60, "
                   "net_read_timeout = 3600, net_write_timeout = 3600" +
                   (mariadb ? mariadb_settings : "")));
  const server::Rows settings = WEIR_TRY(
      query("SELECT @@local_infile, @@max_allowed_packet, @@sql_mode LIKE '%STRICT_ALL_TABLES%', "
            "@@time_zone = '+00:00', @@autocommit, @@character_set_client = 'utf8mb4'",
            {}));
  // What stands between may answer for the server: a proxy with settings of its own.
  for (size_t i = 2; i < settings.columns.size(); ++i) {
    if (settings.int64(0, i) == 1) continue;
    return fail(ErrorCode::sql, version() + " does not keep this session's settings: not so is " +
                                    settings.columns[i]);
  }
  if (settings.int64(0, 0) == 0) no_local_infile_ = "local_infile is OFF on the server";
  largest_packet_ = static_cast<size_t>(settings.int64(0, 1));
  return {};
}

}  // namespace weir::mysql
