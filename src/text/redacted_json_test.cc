#include "text/redacted_json.h"

#include <gtest/gtest.h>

#include "base/redaction.h"
#include "text/receipt_json.h"

namespace weir::text {
namespace {

TEST(RedactedJson, ChangesStringsAndLeavesTheDocument) {
  keep_secret("member-name");
  keep_secret("12345");
  keep_secret("a\"quoted\\canary");
  EXPECT_EQ(
      redacted_json(R"({"member-name":["the member-name",{"n":12345,"x":"12345"}],"ok":true})"),
      R"({"member-name":["the [secret]",{"n":12345,"x":"[secret]"}],"ok":true})");
  EXPECT_EQ(redacted_json(R"({"m":"a\"quoted\\canary"})"), R"({"m":"[secret]"})");
  EXPECT_EQ(redacted_json(R"({"m": "left  as it is"})"), R"({"m": "left  as it is"})");
  EXPECT_EQ(redacted_json("no JSON: 12345"), "no JSON: [secret]");
}

TEST(RedactedJson, ReceiptsShowNoSecret) {
  keep_secret("receipt-canary");
  Receipt receipt;
  receipt.run = RunId("r");
  receipt.pipeline = PipelineName("p");
  receipt.error = Error{ErrorCode::unavailable, "cannot reach https://u:receipt-canary@h",
                        "mend receipt-canary"};
  Reject reject;
  reject.problems = {{"field", "rule", "receipt-canary", "is receipt-canary"},
                     {"field", "rule", "%72eceipt-canary", ""}};
  reject.raw = "a,receipt-canary";
  reject.produced = R"({"a":"receipt\u002dcanary"})";
  receipt.rejects.push_back(reject);
  const std::string shown = to_json(receipt).to_string();
  EXPECT_FALSE(holds_secret(shown)) << shown;
  EXPECT_EQ(receipt_from_json(Json::parse(shown).value()).value().rejects[0].raw, "a,[secret]");
}

}  // namespace
}  // namespace weir::text
