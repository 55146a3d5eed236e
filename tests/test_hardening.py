"""The programs that look for weak places: what they count."""

import mutations


def test_every_module_of_the_core_has_its_tests():
    for module, tests in mutations.CORE.items():
        assert (mutations.ROOT / "hpss_lib" / f"{module}.py").is_file()
        assert all((mutations.ROOT / "tests" / f"test_{name}.py").is_file() for name in tests)


def test_what_no_test_notices_is_counted():
    endings = {"a": 1, "b": 0, "c": None, "d": 33, "e": 36}  # 33: no test runs it; 36: too slow
    assert mutations.count("stft", endings) == dict(
        module="stft", changes=5, tried=4, killed=2, survived=2
    )
    names = [str(k) for k in range(50)]
    assert mutations.sample(names, 9) == mutations.sample(names[::-1], 9)
    assert len(set(mutations.sample(names, 9))) == 9 and mutations.sample(names, None) == names
