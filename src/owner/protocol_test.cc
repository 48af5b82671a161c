#include "owner/protocol.h"

#include <gtest/gtest.h>

namespace weir::owner {
namespace {

TEST(Protocol, RequestsTravelAsOneLine) {
  Request request{"0.1.0", "query", text::Json::object().set("sql", "SELECT\n1")};
  const std::string line = to_line(request);
  EXPECT_EQ(line, "{\"weir\":\"0.1.0\",\"verb\":\"query\",\"args\":{\"sql\":\"SELECT\\n1\"}}\n");
  const Request back = parse_request(line).value();
  EXPECT_EQ(back.version, "0.1.0");
  EXPECT_EQ(back.verb, "query");
  EXPECT_EQ(back.args, request.args);
}

TEST(Protocol, RefusesWhatIsNoRequest) {
  for (const char* line : {"", "x", "[]", "{}", "null", R"({"weir":"1","verb":2})",
                           R"({"verb":"run"})", R"({"weir":"1","verb":"run","args":[]})"}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request) << line;
    EXPECT_EQ(request.error().code, ErrorCode::invalid_input);
  }
}

TEST(Protocol, IdentityComesBackTheSame) {
  const Identity back = identity_from_json(to_json(Identity{12, "up", "0.1.0"})).value();
  EXPECT_EQ(back.to_string(), "weir up, pid 12");
  EXPECT_EQ(back.version, "0.1.0");
  EXPECT_FALSE(identity_from_json(text::Json::object()));
}

TEST(Protocol, VersionsMustBeTheSame) {
  EXPECT_TRUE(check_versions("1.2", {7, "up", "1.2"}));
  const auto other = check_versions("1.2", {7, "up", "1.3"});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::unavailable);
  EXPECT_EQ(other.error().message,
            "this is weir 1.2, but weir 1.3 holds the project (weir up, pid 7)");
}

}  // namespace
}  // namespace weir::owner
