"""The programs that look for weak places: what they count, and that they notice."""

import kill
import mutations
import pytest
import soundfile


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


def test_a_half_result_and_a_lost_one_are_noticed(tmp_path):
    soundfile.write(tmp_path / "0.percussive.wav", [0.0] * 88200, 44100)
    assert kill.separated(tmp_path) == {"0.percussive.wav"}
    soundfile.write(tmp_path / "1.percussive.wav", [0.0] * 88200, 44100)
    with pytest.raises(ValueError, match=r"1.percussive.wav holds 2.0 s"):
        kill.separated(tmp_path)
    with pytest.raises(ValueError, match="lost: a"):
        kill.check({"a", "b"}, {"b", "c"})
