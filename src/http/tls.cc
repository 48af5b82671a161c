#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/log.h"

namespace weir::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::string last_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "unknown";
}

tl::unexpected<Error> refuse(const std::string& what, const std::filesystem::path& file) {
  std::error_code missing;
  const bool there = std::filesystem::is_regular_file(file, missing);
  const std::string why = last_openssl_error();
  if (!there) return fail(ErrorCode::io, fmt::format("there is no file '{}'", file.string()));
  return fail(ErrorCode::invalid_project, fmt::format("'{}' {}: {}", file.string(), what, why),
              "give a certificate chain and its key in PEM");
}

/// HTTP/1.1 is all we speak.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_length,
                    const unsigned char* offered, unsigned int offered_length, void*) {
  static constexpr unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_length, ours, sizeof ours, offered, offered_length);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

Result<std::shared_ptr<SSL_CTX>> read_files(const TlsFiles& files) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return fail(ErrorCode::internal, "no TLS: " + last_openssl_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    return refuse("is no certificate", files.certificate);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return refuse("is no key of that certificate", files.key);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    return refuse("does not belong to the certificate", files.key);
  }
  return context;
}

}  // namespace

TlsIdentity::Stamp TlsIdentity::stamp() const {
  std::error_code ignored;
  return {std::filesystem::last_write_time(files_.certificate, ignored),
          std::filesystem::last_write_time(files_.key, ignored)};
}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::load(TlsFiles files) {
  auto identity = std::unique_ptr<TlsIdentity>(new TlsIdentity(std::move(files)));
  identity->loaded_ = identity->stamp();
  identity->looked_ = SteadyClock::now();
  identity->context_ = WEIR_TRY(read_files(identity->files_));
  return identity;
}

std::shared_ptr<ssl_ctx_st> TlsIdentity::current() {
  const auto now = SteadyClock::now();
  if (now - looked_ < std::chrono::seconds(1)) return context_;
  looked_ = now;
  const Stamp there = stamp();
  if (there == loaded_) return context_;
  loaded_ = there;
  auto read = read_files(files_);
  if (read) {
    context_ = *std::move(read);
    log::info("the certificate '{}' is read anew", files_.certificate.string());
  } else {
    log::error("the certificate stays the old one: {}", read.error().to_string());
  }
  return context_;
}

}  // namespace weir::http
