# cython: language_level=3, boundscheck=False, wraparound=False, auto_pickle=False, embedsignature=True
# distutils: language = c++
"""JSON as ``json.dumps(value, indent=2)`` writes it, byte for byte.

Python's encoder spends most of its time on the shortest text of each float; C++ has a quicker way to find the same.
"""

from json.encoder import encode_basestring_ascii

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_Next
from cpython.object cimport PyObject
from libc.math cimport signbit
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcpy, memmove, memset

cdef extern from *:
    """
    #include <charconv>

    /* The shortest text that reads as this number, like 1.25e-07; how long it is, or 0 where the library has no such. */
    static inline int scientific(double value, char *to, int size) {
    #if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
        std::to_chars_result made = std::to_chars(to, to + size, value, std::chars_format::scientific);
        return made.ec == std::errc() ? (int)(made.ptr - to) : 0;
    #else
        (void)value; (void)to; (void)size;
        return 0;
    #endif
    }
    """
    int scientific(double value, char *to, int size)

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    bint PyUnicode_IS_ASCII(object text)
    long long PyLong_AsLongLongAndOverflow(object number, int *overflow) except? -1

cdef enum:
    DEEPEST = 200  # levels; what is deeper is left to Python
    FLOAT = 32     # bytes of the longest float, and more

cdef class Text:
    """Bytes that grow."""

    cdef char *start
    cdef Py_ssize_t size, room

    def __dealloc__(self):
        free(self.start)

    cdef char *more(self, Py_ssize_t size) except NULL:
        """Room for so many bytes at the end, which count as written."""
        cdef Py_ssize_t wanted = self.size + size
        cdef char *grown
        if wanted > self.room:
            grown = <char *>realloc(self.start, 2 * wanted + 256)
            if grown is NULL:
                raise MemoryError()
            self.start, self.room = grown, 2 * wanted + 256
        self.size = wanted
        return self.start + wanted - size

    cdef int put(self, const char *what, Py_ssize_t size) except -1:
        memcpy(self.more(size), what, size)
        return 0

    cdef int new_line(self, int depth) except -1:
        cdef char *to = self.more(1 + 2 * depth)
        to[0] = b"\n"
        memset(to + 1, b" ", 2 * depth)
        return 0


def indented(value):
    """The bytes of ``json.dumps(value, indent=2)``; None where only Python knows what it makes of a value."""
    cdef Text text = Text()
    if not put_value(text, value, 0):
        return None
    return PyBytes_FromStringAndSize(text.start, text.size)


cdef bint put_value(Text text, value, int depth) except -1:
    """Write a value; False for one that is left to Python. What has exactly these types runs no code of others."""
    kind = type(value)
    if kind is float:
        return put_float(text, value)
    if kind is str:
        return put_str(text, value)
    if kind is dict:
        return put_dict(text, value, depth + 1)
    if kind is list or kind is tuple:
        return put_items(text, value, depth + 1)
    if kind is int:
        return put_int(text, value)
    if value is None:
        text.put(b"null", 4)
    elif value is True:
        text.put(b"true", 4)
    elif value is False:
        text.put(b"false", 5)
    else:
        return False
    return True


cdef bint put_items(Text text, items, int depth) except -1:
    cdef bint first = True
    if depth > DEEPEST:
        return False
    if not items:
        text.put(b"[]", 2)
        return True
    text.put(b"[", 1)
    for item in items:
        if not first:
            text.put(b",", 1)
        first = False
        text.new_line(depth)
        if not put_value(text, item, depth):
            return False
    text.new_line(depth - 1)
    text.put(b"]", 1)
    return True


cdef bint put_dict(Text text, items, int depth) except -1:
    cdef PyObject *key = NULL
    cdef PyObject *value = NULL
    cdef Py_ssize_t at = 0
    cdef bint first = True
    if depth > DEEPEST:
        return False
    if not items:
        text.put(b"{}", 2)
        return True
    text.put(b"{", 1)
    while PyDict_Next(items, &at, &key, &value):
        if type(<object>key) is not str:
            return False
        if not first:
            text.put(b",", 1)
        first = False
        text.new_line(depth)
        put_str(text, <object>key)
        text.put(b": ", 2)
        if not put_value(text, <object>value, depth):
            return False
    text.new_line(depth - 1)
    text.put(b"}", 1)
    return True


cdef bint put_str(Text text, words) except -1:
    cdef Py_ssize_t size = 0
    cdef const char *start
    if PyUnicode_IS_ASCII(words):
        start = PyUnicode_AsUTF8AndSize(words, &size)
        if is_plain(start, size):
            text.put(b'"', 1)
            text.put(start, size)
            text.put(b'"', 1)
            return True
    words = encode_basestring_ascii(words)
    start = PyUnicode_AsUTF8AndSize(words, &size)
    text.put(start, size)
    return True


cdef bint is_plain(const char *start, Py_ssize_t size) noexcept:
    """Whether nothing must be escaped."""
    cdef Py_ssize_t at
    for at in range(size):
        if start[at] < 32 or start[at] > 126 or start[at] == 34 or start[at] == 92:
            return False
    return True


cdef bint put_int(Text text, value) except -1:
    cdef int overflow = 0
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    cdef unsigned long long left
    cdef char[24] digits
    cdef int at = 24
    if overflow:
        return False
    left = <unsigned long long>number if number >= 0 else 0 - <unsigned long long>number
    while True:
        at -= 1
        digits[at] = <char>(48 + left % 10)
        left //= 10
        if left == 0:
            break
    if number < 0:
        at -= 1
        digits[at] = b"-"
    text.put(digits + at, 24 - at)
    return True


cdef bint put_float(Text text, double number) except -1:
    """Write what ``repr`` makes of a float: its digits with a point, and a power of ten where it is far from one."""
    cdef char[FLOAT] made
    cdef int size, power
    cdef char *mark
    if number - number != 0:  # infinite, or not a number
        return False
    if signbit(number):
        text.put(b"-", 1)
        number = -number
    size = scientific(number, made, FLOAT - 1)
    if size == 0:
        words = repr(number).encode()
        text.put(words, len(words))
        return True
    made[size] = 0
    mark = <char *>memchr(made, b"e", size)
    power = power_of(mark + 1)
    if -4 <= power < 16:
        put_fixed(text, made, without_point(made, mark), power)
    else:
        text.put(made, size)
    return True


cdef int power_of(const char *words) noexcept:
    """The number in ``-07`` or ``+16``."""
    cdef int power = 0
    cdef const char *at = words + 1
    while 48 <= at[0] <= 57:
        power = 10 * power + at[0] - 48
        at += 1
    return -power if words[0] == b"-" else power


cdef int without_point(char *start, char *end) noexcept:
    """Make ``125`` of ``1.25``; how many digits there are."""
    if end - start == 1:
        return 1
    memmove(start + 1, start + 2, end - start - 2)
    return <int>(end - start) - 1


cdef int put_fixed(Text text, const char *digits, int count, int power) except -1:
    """Write digits of which the first stands for so many powers of ten."""
    if power < 0:
        text.put(b"0.000", 1 - power)
        text.put(digits, count)
    elif power < count - 1:
        text.put(digits, power + 1)
        text.put(b".", 1)
        text.put(digits + power + 1, count - power - 1)
    else:
        text.put(digits, count)
        memset(text.more(power - count + 1), b"0", power - count + 1)
        text.put(b".0", 2)
    return 0
