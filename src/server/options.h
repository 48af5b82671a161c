#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace weir::server {

/// Where a server is and how it is reached; what `postgres://` and `mysql://` URLs spell.
struct Options {
  std::string host;   ///< a name, an address, or the folder (Postgres) or path (MySQL) of a socket
  uint16_t port = 0;  ///< 0: the engine's own
  std::string user;
  std::string password;  ///< never printed
  std::string database;

  /// disable, prefer (encrypted where the server can), require (encrypted, whoever it is),
  /// verify_ca (of that authority), verify_full (and of that name).
  enum class Tls { disable, prefer, require, verify_ca, verify_full };
  Tls tls = Tls::prefer;
  std::string ca_file;           ///< PEM; empty: the system's authorities
  std::string certificate_file;  ///< PEM, of the client; empty: none
  std::string key_file;          ///< PEM, of the client

  std::chrono::milliseconds connect_timeout{10'000};
  /// A connection whose other end says nothing for so long, although it should, is lost.
  std::chrono::milliseconds silence{60'000};
  /// A statement that gets no answer for so long counts as lost with its connection, be the other
  /// end alive or not. 0: it may take as long as it takes.
  std::chrono::milliseconds answer_timeout{0};
  std::string application = "weir";  ///< what the server's own lists call this session
};

}  // namespace weir::server
