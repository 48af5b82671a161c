#include "secrets/sealed_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/redaction.h"

namespace weir::secrets {
namespace {

constexpr const char* moment = "2026-11-20T12:00:00.000000Z";

SealedFile file_with(const std::map<std::string, std::string>& values,
                     const crypto::SealingKey& key, const std::string& environment = "default") {
  SealedFile file{environment, {}, {}};
  for (const auto& [name, value] : values) {
    file.entries.push_back(seal_entry(environment, name, value, moment, key));
  }
  return file;
}

/// All that get() does with a text: the value, or why there is none.
Result<std::string> value_in(const std::string& text, const std::string& name,
                             const crypto::SealingKey& key,
                             const std::string& environment = "default") {
  const SealedFile file = WEIR_TRY(parse_sealed_file(text, "weir.secrets"));
  WEIR_TRY(verify_sealed_file(text, file, key, environment, "weir.secrets"));
  const SealedEntry* const entry = file.find(name);
  if (entry == nullptr) return fail(ErrorCode::not_found, "not there");
  return open_entry(environment, *entry, key, "weir.secrets");
}

std::string error_of(const Result<std::string>& value) {
  return value ? "a value: " + *value : value.error().to_string();
}

class SealedFileTest : public testing::Test {
 protected:
  const crypto::SealingKey key_ = crypto::SealingKey::generate();
  const std::string text_ =
      write_sealed_file(file_with({{"a", "value-of-a"}, {"b", "value-of-b"}}, key_), key_);

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (size_t begin = 0; begin < text_.size();) {
      const size_t end = text_.find('\n', begin);
      all.push_back(text_.substr(begin, end + 1 - begin));
      begin = end + 1;
    }
    return all;
  }
  static std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line;
    return text;
  }
};

TEST_F(SealedFileTest, GivesBackWhatWasPutIn) {
  EXPECT_EQ(value_in(text_, "a", key_).value(), "value-of-a");
  EXPECT_EQ(value_in(text_, "b", key_).value(), "value-of-b");
  const SealedFile file = parse_sealed_file(text_, "weir.secrets").value();
  EXPECT_EQ(file.environment, "default");
  EXPECT_EQ(file.entries[0].set_at, moment);
  EXPECT_EQ(file.entries[0].value_bytes(), 10u);
  EXPECT_EQ(text_.find("value"), std::string::npos);
}

TEST_F(SealedFileTest, EachChangedByteIsAnErrorAndNeverAnotherValue) {
  for (size_t at = 0; at < text_.size(); ++at) {
    for (const int difference : {1, 2, 32, 128}) {
      std::string changed = text_;
      changed[at] = static_cast<char>(changed[at] ^ difference);
      for (const char* name : {"a", "b"}) {
        const auto value = value_in(changed, name, key_);
        ASSERT_FALSE(value) << at << ' ' << difference;
        EXPECT_FALSE(value.error().fix.empty()) << value.error().to_string();
      }
    }
  }
}

TEST_F(SealedFileTest, EachTruncationIsAnError) {
  for (size_t length = 0; length < text_.size(); ++length) {
    const auto value = value_in(text_.substr(0, length), "a", key_);
    ASSERT_FALSE(value) << length;
    EXPECT_EQ(value.error().code, ErrorCode::invalid_input);
  }
  EXPECT_EQ(error_of(value_in("", "a", key_)),
            "weir.secrets:1: weir.secrets is damaged: it is empty; take the file from your "
            "version control");
  EXPECT_EQ(error_of(value_in(text_ + "x", "a", key_)),
            "weir.secrets:6: weir.secrets is damaged: something stands behind its last line; take "
            "the file from your version control");
}

TEST_F(SealedFileTest, ALineTakenAwayOrTwiceIsAnError) {
  for (size_t at = 0; at < lines().size(); ++at) {
    auto fewer = lines();
    fewer.erase(fewer.begin() + static_cast<long>(at));
    EXPECT_FALSE(value_in(joined(fewer), "a", key_)) << at;
    auto more = lines();
    more.insert(more.begin() + static_cast<long>(at), more[at]);
    EXPECT_FALSE(value_in(joined(more), "a", key_)) << at;
  }
}

TEST_F(SealedFileTest, ASealedValueIsBoundToItsName) {
  // By somebody who can seal files, so that only the entry's own binding stands in the way.
  SealedFile file = parse_sealed_file(text_, "weir.secrets").value();
  std::swap(file.entries[0].sealed, file.entries[1].sealed);
  EXPECT_EQ(error_of(value_in(write_sealed_file(file, key_), "a", key_)),
            "the secret 'a' in weir.secrets was not sealed for this name; set it again with `weir "
            "secret set a`");
  // The same under another time, and in another environment.
  file = parse_sealed_file(text_, "weir.secrets").value();
  file.entries[0].set_at = "2026-11-20T12:00:00.000001Z";
  EXPECT_FALSE(value_in(write_sealed_file(file, key_), "a", key_));
  file = parse_sealed_file(text_, "weir.secrets").value();
  file.environment = "prod";
  EXPECT_FALSE(value_in(write_sealed_file(file, key_), "a", key_, "prod"));
}

TEST_F(SealedFileTest, AnOlderValueOfTheSameNameCannotBePutBackIn) {
  const std::string newer =
      write_sealed_file(file_with({{"a", "newer-value"}, {"b", "value-of-b"}}, key_), key_);
  auto mixed = lines();
  const size_t begin = newer.find("secret a ");
  mixed[3] = newer.substr(begin, newer.find('\n', begin) + 1 - begin);
  EXPECT_EQ(error_of(value_in(joined(mixed), "a", key_)),
            "weir.secrets was changed by something else than `weir secret`; take the file from "
            "your version control");
}

TEST_F(SealedFileTest, SaysWhatHappenedToTheFile) {
  std::string windows = text_;
  for (size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) {
    windows.insert(at, "\r");
  }
  EXPECT_EQ(error_of(value_in(windows, "a", key_)),
            "weir.secrets:1: weir.secrets is damaged: its line ends were changed; write "
            "'weir*.secrets -text' into .gitattributes and check the file out again");
  auto conflict = lines();
  conflict.insert(conflict.begin() + 3, "<<<<<<< HEAD\n");
  EXPECT_NE(error_of(value_in(joined(conflict), "a", key_)).find("weir.secrets:4: "),
            std::string::npos);
  EXPECT_NE(error_of(value_in(joined(conflict), "a", key_)).find("merge conflict"),
            std::string::npos);
  EXPECT_NE(error_of(value_in("weir secrets 2\n", "a", key_)).find("a newer weir"),
            std::string::npos);
  const auto other = crypto::SealingKey::generate();
  EXPECT_EQ(error_of(value_in(text_, "a", other)),
            "weir.secrets was sealed with the key " + key_.id() + ", and the one here is " +
                other.id() + "; get the file's own key from whoever set its secrets");
  EXPECT_EQ(error_of(value_in(text_, "a", key_, "prod")),
            "weir.secrets holds the secrets of the environment 'default', not those of 'prod'; "
            "each environment has a file of its own: set its secrets with `weir secret set`");
}

TEST_F(SealedFileTest, NoErrorQuotesTheFile) {
  keep_secret("value-somebody-pasted");
  auto pasted = lines();
  pasted[3] = "secret a value-somebody-pasted\n";
  EXPECT_FALSE(holds_secret(error_of(value_in(joined(pasted), "a", key_))));
}

}  // namespace
}  // namespace weir::secrets
