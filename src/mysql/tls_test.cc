#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "mysql/connection.h"
#include "mysql/test_server_for_test.h"

namespace weir::mysql {
namespace {

using ::testing::HasSubstr;
using Tls = server::Options::Tls;

/// An authority, and a server's certificate for the name "localhost" by it; another authority.
class Certificates {
 public:
  Certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-tls-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
    ::chmod(name.c_str(), 0755);
    const std::string key = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes ";
    for (const char* authority : {"ca", "other"}) {
      shell(key + "-x509 -days 2 -subj /CN=" + authority + " -keyout " + authority + ".key -out " +
            authority + ".pem");
    }
    shell(key + "-subj /CN=server -keyout server.key -out server.csr");
    shell(
        "printf 'subjectAltName=DNS:localhost' > names && openssl x509 -req -in server.csr -days "
        "2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out server.pem");
    // The server runs as another user.
    ::chmod(path("server.key").c_str(), 0644);
  }
  ~Certificates() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  void shell(const std::string& command) const {
    const std::string quiet = "cd " + folder_ + " && { " + command + "; } >> log 2>&1";
    if (std::system(quiet.c_str()) != 0) std::abort();
  }
  std::string folder_;
};

TEST(Tls, EachLevelProvesWhatItPromises) {
  const Certificates certificates;
  const TestServer server({"--ssl-ca=" + certificates.path("ca.pem"),
                           "--ssl-cert=" + certificates.path("server.pem"),
                           "--ssl-key=" + certificates.path("server.key")});
  server.execute("CREATE USER safe@'%' IDENTIFIED BY 'pw' REQUIRE SSL");
  const struct {
    Tls tls;
    const char* authority;
    const char* host;
    bool allowed;
  } cases[] = {
      {Tls::disable, "", "127.0.0.1", false},
      {Tls::prefer, "", "127.0.0.1", true},
      {Tls::require, "", "127.0.0.1", true},
      {Tls::verify_ca, "ca.pem", "127.0.0.1", true},
      {Tls::verify_ca, "other.pem", "127.0.0.1", false},
      {Tls::verify_ca, "", "127.0.0.1", false},
      {Tls::verify_full, "ca.pem", "127.0.0.1", false},
      {Tls::verify_full, "other.pem", "localhost", false},
      {Tls::verify_full, "", "localhost", false},
      {Tls::verify_full, "ca.pem", "localhost", true},
  };
  for (const auto& c : cases) {
    server::Options options = server.options();
    options.user = "safe";
    options.password = "pw";
    options.database.clear();
    options.host = c.host;
    options.tls = c.tls;
    if (*c.authority != '\0') options.ca_file = certificates.path(c.authority);
    const auto session = connect(options);
    const std::string what =
        std::to_string(static_cast<int>(c.tls)) + " " + c.authority + " " + c.host;
    ASSERT_EQ(session.has_value(), c.allowed)
        << what << ": " << (session ? "" : session.error().to_string());
    if (!session) {
      // Without TLS the server refuses the user; with it, we refuse the server.
      EXPECT_EQ(session.error().code,
                c.tls == Tls::disable ? ErrorCode::sql : ErrorCode::unavailable)
          << what << ": " << session.error().to_string();
      continue;
    }
    const auto cipher = (*session)->run("SHOW STATUS LIKE 'Ssl_cipher'");
    EXPECT_NE(cipher->text(0, 1), "") << what;
  }
}

}  // namespace
}  // namespace weir::mysql
