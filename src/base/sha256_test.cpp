#include "base/sha256.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

std::string hash(std::string_view text)
{
    return to_hex(Sha256::of(text));
}

TEST(Sha256, gives_the_published_digests)
{
    EXPECT_EQ(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(hash("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    EXPECT_EQ(hash(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, is_the_same_with_and_without_the_processors_instructions)
{
    std::string text;
    for (int length = 0; length < 300; ++length) {
        Sha256 portable(Sha256::Speed::portable);
        portable.add(text);
        EXPECT_EQ(to_hex(portable.finish()), hash(text)) << length;
        text += static_cast<char>(length * 7);
    }
}

TEST(Sha256, does_not_depend_on_how_the_message_is_cut)
{
    std::string text(1000, 'x');
    for (std::size_t cut = 1; cut < 200; ++cut) {
        Sha256 pieces;
        for (std::size_t at = 0; at < text.size(); at += cut)
            pieces.add(std::string_view(text).substr(at, cut));
        EXPECT_EQ(to_hex(pieces.finish()), hash(text)) << cut;
    }
}

} // namespace
} // namespace bulkhead
