"""What a column of an unknown table can mean: the words people head it with, its units, what can be true.

It looks at headings only; which of two columns is meant, and what the cells say, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.devices.exports.written import fold

CLOCK = "h:mm:ss"  # the unit of times written like 1:02:03
SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, CLOCK: 1.0}
METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "yd": 0.9144, "ft": 0.3048}
METRES_A_SECOND = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}
BPM = {"bpm": 1.0}
DEGREES = {"deg": 1.0, "semicircles": 180 / 2**31}


@dataclass(frozen=True, slots=True)
class Meaning:
    """`units` turn a value into ours by a factor; the first is ours. Values outside the limits are held.

    `track` is the name of a session's column that it fills, `sure_unit` the unit where none is written: ""
    where it must be asked.
    """

    name: str
    aliases: str
    units: Mapping[str, float] = field(default_factory=dict)
    sure_unit: str = ""
    least: float = 0.0
    most: float = 0.0
    track: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its cells hold numbers, or durations."""
        return bool(self.units)


def _listed(*meanings: Meaning) -> dict[str, Meaning]:
    return {meaning.name: meaning for meaning in meanings}


# Aliases are folded and parted by commas.
MEANINGS: Mapping[str, Meaning] = _listed(
    Meaning("time", "time,timestamp,datetime,date time,date and time,utc,utc time,time utc,timestamp utc,"
            "local time,"
            "recorded at,started at,start time,start,zeit,zeitstempel,fecha hora,fecha y hora,data hora,hora,"
            "horodatage,phone timestamp"),
    Meaning("date", "date,day,session date,datum,tag,fecha,data,jour"),
    Meaning("time_of_day", "time of day,clock,clock time,uhrzeit"),
    Meaning("elapsed", "elapsed,elapsed time,time elapsed,since start,time since start,seconds,secs,"
            "elapsed seconds,"
            "timer", SECONDS, "", 0, 4e5),
    Meaning("heart_rate", "heart rate,heartrate,hr,bpm,pulse,puls,herzfrequenz,hf,pulso,frecuencia cardiaca,"
            "fc,"
            "frequencia cardiaca,frequence cardiaque,hartslag", BPM, "bpm", 20, 250, "bpm"),
    Meaning("speed", "speed,velocity,geschwindigkeit,velocidad,velocidade,vitesse", METRES_A_SECOND, "", 0,
            60,
            "speed_mps"),
    Meaning("latitude", "latitude,lat,position lat,breitengrad,latitud", DEGREES, "deg", -90, 90,
            "latitude_deg"),
    Meaning("longitude", "longitude,lon,long,lng,position long,langengrad,longitud", DEGREES, "deg",
            -180, 180,
            "longitude_deg"),
    Meaning("altitude", "altitude,elevation,alt,ele,hohe,altitud", {"m": 1.0, "ft": 0.3048}, "", -500, 9000,
            "altitude_m"),
    Meaning("distance", "distance,dist,total distance,distanz,strecke,distancia,afstand", METRES, "", 0, 1e6,
            "distance_m"),
    Meaning("power", "power,watts,watt,leistung,potencia,puissance", {"W": 1.0}, "W", 0, 3000, "power_w"),
    Meaning("cadence", "cadence,cad,step rate,trittfrequenz,schrittfrequenz,cadencia", {"1/min": 1.0},
            "1/min", 0, 300,
            "cadence_per_min"),
    Meaning("temperature", "temperature,temp,temperatur,temperatura", {"°C": 1.0}, "°C", -60, 100,
            "temperature_c"),
    Meaning("rr", "rr,rr interval,rr intervals,rri,ibi,r r,r r interval,interbeat interval,beat interval",
            {"ms": 1.0, "s": 1000.0, "1/1024 s": 1000 / 1024}, "", 0, 1e5),
    Meaning("athlete", "athlete,athlete name,player,player name,name,full name,spieler,sportler,athlet,"
            "jugador,atleta,"
            "joueur"),
    Meaning("shirt_number", "shirt number,jersey,jersey number,player number,trikotnummer,dorsal",
            {"": 1.0}, "", 0, 999),
    Meaning("sport", "sport,activity,activity type,activity name,sportart,deporte"),
    Meaning("title", "title,session,session name,session title,titel,titulo"),
    Meaning("duration", "duration,total time,session duration,dauer,duracion,duracao,duree", SECONDS, "", 0,
            4e5),
    Meaning("mean_heart_rate", "avg hr,average hr,mean hr,hr avg,hr mean,avg heart rate,average heart rate,"
            "mean heart rate,avg bpm,durchschnittliche herzfrequenz", BPM, "bpm", 20, 250),
    Meaning("max_heart_rate", "max hr,maximum hr,hr max,max heart rate,maximum heart rate,"
            "maximale herzfrequenz", BPM,
            "bpm", 20, 250),
    Meaning("resting_heart_rate", "resting heart rate,resting hr,rhr,ruhepuls", BPM, "bpm", 20, 150),
    Meaning("hrv_rmssd", "rmssd,hrv rmssd,rmssd ms", {"ms": 1.0}, "ms", 1, 500),
    Meaning("energy", "energy,calories,energy burned,kalorien,calorias", {"kcal": 1.0, "kJ": 1 / 4.184}, "",
            0, 2e4),
    Meaning("rpe", "rpe,session rpe,perceived exertion", {"": 1.0}, "", 0, 20),
    Meaning("weight", "weight,body weight,gewicht,peso", {"kg": 1.0, "lb": 0.45359237}, "", 20, 250),
)  # fmt: skip

_UNIT_WORDS = {
    "bpm": "bpm", "1 min": "bpm", "m s": "m/s", "mps": "m/s", "ms": "ms", "km h": "km/h", "kmh": "km/h",
    "kph": "km/h", "mph": "mph", "s": "s", "sec": "s", "secs": "s", "seconds": "s", "min": "min",
    "minutes": "min", "mins": "min", "h": "h", "hours": "h", "h mm ss": CLOCK, "hh mm ss": CLOCK, "m": "m",
    "metres": "m", "meters": "m", "km": "km", "mi": "mi", "miles": "mi", "yd": "yd", "yards": "yd",
    "ft": "ft", "feet": "ft", "deg": "deg", "degrees": "deg", "w": "W", "watts": "W", "rpm": "1/min",
    "spm": "1/min", "c": "°C", "celsius": "°C", "kcal": "kcal", "kj": "kJ", "kg": "kg", "lb": "lb",
    "lbs": "lb",
}  # fmt: skip
_BY_ALIAS = {alias: meaning for meaning in MEANINGS.values() for alias in meaning.aliases.split(",")}
_ITSELF_A_UNIT = {"seconds": "s", "secs": "s", "elapsed seconds": "s"}


def meaning_of(heading: str) -> tuple[Meaning, str] | None:
    """What a heading says its column is, and the unit ("" where it says none); None for an unknown one.

    "Speed (km/h)", "speed_kmh" and "Speed [km/h]" are alike. A time with a unit is time elapsed.
    """
    words = fold(heading).split()
    for n_unit in range(min(3, len(words) - 1), 0, -1):
        unit = _UNIT_WORDS.get(" ".join(words[-n_unit:]))
        meaning = _BY_ALIAS.get(" ".join(words[:-n_unit]))
        if unit is None or meaning is None:
            continue
        if meaning.name == "time":
            meaning = MEANINGS["elapsed"]
        if meaning.name == "cadence" and unit == "bpm":
            unit = "1/min"
        if unit in meaning.units:
            return meaning, unit
    whole = " ".join(words)
    meaning = _BY_ALIAS.get(whole)
    return (meaning, _ITSELF_A_UNIT.get(whole, meaning.sure_unit)) if meaning else None
