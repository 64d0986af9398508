import type { SiteState } from './site-state.ts'

/** The measured site was 8.89.0.9724. facts: SGT get_root */
const version = [8, 89, 0] as const

/** What `info` says of the site: no credentials needed, every field tk-core and shotgun_api3 read. facts: PY 1.6 */
export function siteInfo({ switches }: Pick<SiteState, 'switches'>): Record<string, unknown> {
  return {
    full_version: [...version, 9724],
    version: [...version],
    user_authentication_method: switches.mode,
    unified_login_flow_enabled: true,
    authentication_app_session_launcher_enabled: switches.launcher,
    api_max_entities_per_page: 500,
    s3_uploads_enabled: false,
    s3_direct_uploads_enabled: false,
    s3_enabled_upload_types: {},
  }
}

/** The REST root document. facts: SGT get_root, 051 (`api_version` follows the prefix that was called) */
export function restRoot(
  { switches, siteName }: Pick<SiteState, 'switches' | 'siteName'>,
  apiVersion: string,
): unknown {
  return {
    data: {
      shotgun_version: `v${version.join('.')}.9724 (build 47ec49f)`,
      api_version: apiVersion,
      unified_login_flow_enabled: true,
      authentication_app_session_launcher_enabled: switches.launcher,
      user_authentication_method: switches.mode,
      site_id: '1',
      site_name: siteName,
      os: 'Amazon Linux',
    },
  }
}

/** facts: SGT get_preferences: keys a client reads, and the values of the measured site */
export const preferences: Readonly<Record<string, unknown>> = {
  duration_units: 'days',
  hours_per_day: 8,
  format_date_fields: '08/04/22 OR 04/08/22 (depending on system date format)',
  date_component_order: 'month_day',
  support_local_storage: true,
}
