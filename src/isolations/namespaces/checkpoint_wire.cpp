#include "isolations/namespaces/checkpoint_wire.h"

namespace bulkhead::namespaces {

namespace {

// Wire types of the encoding.
constexpr std::uint64_t variable_number = 0;
constexpr std::uint64_t eight_bytes = 1;
constexpr std::uint64_t counted_bytes = 2;
constexpr std::uint64_t four_bytes = 5;

} // namespace

void WireWriter::append(std::uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        m_bytes += static_cast<char>(number | 0x80);
    m_bytes += static_cast<char>(number);
}

WireWriter& WireWriter::number(std::uint32_t field, std::uint64_t value)
{
    append(std::uint64_t(field) << 3 | variable_number);
    append(value);
    return *this;
}

WireWriter& WireWriter::text(std::uint32_t field, std::string_view value)
{
    append(std::uint64_t(field) << 3 | counted_bytes);
    append(value.size());
    m_bytes += value;
    return *this;
}

std::optional<std::uint64_t> WireReader::take_number()
{
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !m_rest.empty(); shift += 7) {
        auto byte = static_cast<std::uint8_t>(m_rest.front());
        m_rest.remove_prefix(1);
        number |= std::uint64_t(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
    return std::nullopt;
}

std::optional<std::string_view> WireReader::take_bytes(std::uint64_t count)
{
    if (count > m_rest.size())
        return std::nullopt;
    auto bytes = m_rest.substr(0, count);
    m_rest.remove_prefix(count);
    return bytes;
}

std::optional<WireField> WireReader::next()
{
    auto key = take_number();
    if (!key || (*key >> 3) == 0 || (*key >> 3) > 0x1fffffff)
        return std::nullopt;
    WireField field { .field = static_cast<std::uint32_t>(*key >> 3), .number = 0, .text = {} };
    std::optional<std::uint64_t> count;
    switch (*key & 7) {
    case variable_number: {
        auto number = take_number();
        field.number = number.value_or(0);
        return number ? std::optional(field) : std::nullopt;
    }
    case counted_bytes:
        count = take_number();
        break;
    case eight_bytes:
        count = 8;
        break;
    case four_bytes:
        count = 4;
        break;
    default:
        break;
    }
    auto bytes = count ? take_bytes(*count) : std::nullopt;
    field.text = bytes.value_or(std::string_view());
    return bytes ? std::optional(field) : std::nullopt;
}

} // namespace bulkhead::namespaces
