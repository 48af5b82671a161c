#include "crypto/sealing.h"

#include <gtest/gtest.h>

#include "crypto/wipe.h"

namespace weir::crypto {
namespace {

TEST(Sealing, OpensWhatItSealed) {
  const SealingKey key = SealingKey::generate();
  for (const std::string& value : {std::string(), std::string("s3cr3t"), std::string("a\0b\xff", 4),
                                   std::string(65536, 'x')}) {
    const std::string sealed = seal(key, value, "pg");
    EXPECT_EQ(sealed.size(), value.size() + sealing_overhead_bytes);
    EXPECT_EQ(open_sealed(key, sealed, "pg").value(), value);
  }
}

TEST(Sealing, TwiceTheSameGivesTwoTexts) {
  const SealingKey key = SealingKey::generate();
  EXPECT_NE(seal(key, "value", "pg"), seal(key, "value", "pg"));
}

TEST(Sealing, EveryChangedBitIsRefused) {
  const SealingKey key = SealingKey::generate();
  const std::string sealed = seal(key, "value", "pg");
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string changed = sealed;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(open_sealed(key, changed, "pg")) << bit;
  }
  for (size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_FALSE(open_sealed(key, sealed.substr(0, length), "pg")) << length;
  }
  EXPECT_FALSE(open_sealed(key, sealed + '\0', "pg"));
}

TEST(Sealing, AnotherKeyOrAnotherPlaceIsRefused) {
  const SealingKey key = SealingKey::generate();
  const std::string sealed = seal(key, "value", "pg");
  EXPECT_FALSE(open_sealed(SealingKey::generate(), sealed, "pg"));
  EXPECT_FALSE(open_sealed(key, sealed, "mysql"));
  EXPECT_FALSE(open_sealed(key, sealed, ""));
}

TEST(SealingKey, ItsTextMakesTheSameKey) {
  const SealingKey key = SealingKey::generate();
  const std::string text = key.to_text();
  ASSERT_EQ(text.size(), 64u);
  const SealingKey again = SealingKey::from_text(" " + text + "\r\n").value();
  EXPECT_EQ(again.id(), key.id());
  EXPECT_EQ(open_sealed(again, seal(key, "value", "pg"), "pg").value(), "value");
  EXPECT_NE(SealingKey::generate().id(), key.id());
}

TEST(SealingKey, TextThatIsNoKeyIsNotQuoted) {
  for (const std::string& text :
       {std::string(), std::string("secret-key"), std::string(63, 'a'), std::string(65, 'a'),
        std::string(63, 'a') + "g", std::string(62, 'a') + " a", std::string(64, '\0')}) {
    const Result<SealingKey> key = SealingKey::from_text(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().to_string(),
              "a key is 64 hexadecimal digits, and this is not; copy it whole");
  }
}

TEST(Wipe, EmptiesATextAndItsMemory) {
  std::string text(100, 's');
  text = "short";  // the rest of the memory still holds the longer value
  const char* const memory = text.data();
  const size_t capacity = text.capacity();
  wipe(text);
  EXPECT_TRUE(text.empty());
  ASSERT_EQ(text.data(), memory);
  EXPECT_EQ(std::string_view(memory, capacity).find_first_not_of('\0'), std::string_view::npos);
}

}  // namespace
}  // namespace weir::crypto
