#include "text/json_members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::text {
namespace {

std::string shown(std::string_view text) {
  const auto members = json_members(text);
  if (!members) return members.error().message;
  std::string out;
  for (const JsonMember& member : *members) {
    out +=
        member.name + "=" + std::string(member.value) + "@" + std::to_string(member.offset) + " ";
  }
  return out;
}

TEST(JsonMembers, GivesValuesAsTheyAreSpelled) {
  EXPECT_EQ(shown(R"({"id": 91177769429634086741234, "x":1.50,"t" : true,"n":null})"),
            "id=91177769429634086741234@1 x=1.50@32 t=true@41 n=null@52 ");
  EXPECT_EQ(shown(R"({})"), "");
  EXPECT_EQ(shown(" {\n \"a\" :\t-1e5 } \n"), "a=-1e5@4 ");
}

TEST(JsonMembers, NestedValuesAndStringsHoldBracketsAndQuotes) {
  EXPECT_EQ(shown(R"({"a":[1,{"b":"}]\""}],"c":{"d":[[]]}, "e":"\\"})"),
            R"(a=[1,{"b":"}]\""}]@1 c={"d":[[]]}@22 e="\\"@38 )");
}

TEST(JsonMembers, NamesAreResolvedAndMayComeTwice) {
  EXPECT_EQ(shown(R"({"a\u00e9\"":1,"b":2,"b":3})"), "a\u00e9\"=1@1 b=2@15 b=3@21 ");
}

TEST(JsonMembers, RefusesWhatIsNoObject) {
  EXPECT_EQ(shown("[1]"), "this is not a JSON object");
  EXPECT_EQ(shown("\"x\""), "this is not a JSON object");
  for (const char* broken :
       {"", "{", R"({"a":1)", R"({"a":})", R"({"a":1}x)", R"({"a":"\ud800"})"}) {
    EXPECT_EQ(shown(broken), "this is not valid JSON") << broken;
  }
}

TEST(JsonString, ResolvesEscapes) {
  EXPECT_EQ(json_string(R"("plain")"), "plain");
  EXPECT_EQ(json_string(R"("a\n\u00e9\ud83d\ude00\\")"), "a\n\u00e9\U0001F600\\");
  EXPECT_EQ(json_string(R"("")"), "");
}

}  // namespace
}  // namespace weir::text
